"""The operator that classifies one document and chooses the tasks that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import SET_DURING_EXECUTION, BranchMixIn, XComArg

from airflow_provider_classify.documents.document import DocumentLike
from airflow_provider_classify.exceptions import InvalidRoutes
from airflow_provider_classify.lifecycle import compat, fail_fast, lineage, mapped_branch
from airflow_provider_classify.lifecycle.lineage import Lineage
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.branch_targets import find_target, tasks_to_skip
from airflow_provider_classify.operators.checks import is_known
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.routing import Routing, Threshold, as_names, route_names

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: The key of the decision in XCom.
DECISION_KEY = "decision"


class ClassifyBranchOperator(ClassifyOperator, BranchMixIn):
    """
    Classify a document, follow the tasks of its category, and skip the other tasks directly downstream.

    Give a ``document`` to classify, or the ``result`` of an earlier task. A result below the threshold, a blank
    document, a failed classification and a missing result go to ``review``.

    XCom gets the result, as with :class:`ClassifyOperator`, and under the key ``decision`` an object with
    ``category``, ``confidence``, ``route`` and ``why``.

    A target is the id of a task or task group directly downstream. The id is searched in the task group of this task
    first, then in the groups around it. When the DAG is parsed, a target that is not directly downstream, a key of
    ``routes`` that is not a category and a category without a route are errors.

    In a mapped task group, each instance decides for its own index. The operator itself cannot be mapped with
    ``expand()``, because one instance would follow a task that another one skips. To route many documents by lists, see
    ``operators.sort``.

    The other parameters are those of :class:`ClassifyOperator`, without ``wait_for_completion`` and
    ``end_from_trigger``: a branch needs the result, and a worker.

    :param document: the document to classify, in any form that :class:`ClassifyOperator` accepts. Templated.
    :param result: the result of an earlier task (``classify.output``). Nothing is classified then. Templated.
    :param routes: one task id or a list of task ids for each category.
    :param otherwise: the task id or ids for a category that is not in ``routes``.
    :param review: the task id or ids for a document that a person has to review.
    :param minimum_confidence: the threshold, from 0 to 1, for all categories; or a dict with a threshold for each
        category. Templated.
    :param categories: in any form that :class:`ClassifyOperator` accepts. The default is the keys of ``routes``.
        Templated.
    """

    template_fields: Sequence[str] = (*ClassifyOperator.template_fields, "result", "minimum_confidence")
    inherits_from_skipmixin = True
    ui_color = "#fde68a"

    def __init__(
        self,
        *,
        document: DocumentLike | None = None,
        result: Any = None,
        routes: Mapping[str, str | Sequence[str]],
        review: str | Sequence[str],
        minimum_confidence: Threshold | str,
        otherwise: str | Sequence[str] | None = None,
        categories: CategoriesLike | None = None,
        **kwargs: Any,
    ) -> None:
        task_id = kwargs.get("task_id")
        if (document is None) == (result is None):
            raise ValueError(f"The task {task_id!r} needs a document or a result; give one of them.")
        for name in ("wait_for_completion", "end_from_trigger"):
            if name in kwargs:
                raise ValueError(f"The task {task_id!r} cannot have {name}, because it decides with the result.")
        if result is not None and kwargs.get("escalate_to") is not None:
            raise ValueError(f"The task {task_id!r} has a result and escalate_to; give escalate_to with a document.")
        with _with_task_name(task_id):
            Routing(routes, review, otherwise, 0.0)
        super().__init__(
            document=SET_DURING_EXECUTION if document is None else document,  # type: ignore[arg-type]
            categories=list(routes) if categories is None else categories,
            **kwargs,
        )
        self.has_result = result is not None
        self.result = result
        self.routes = routes
        self.review = review
        self.otherwise = otherwise
        self.minimum_confidence = minimum_confidence
        self._taken: tuple[Any, list[str]] | None = None  # the result and the tasks that follow, for the lineage
        self.has_categories = document is not None or categories is not None
        self._check_rules_in_file(self._all_categories())

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Refuse to create a mapped task. :raises InvalidRoutes: always. The message names the alternatives."""
        raise InvalidRoutes(_cannot_be_mapped(kwargs.get("task_id")))

    def prepare_template(self) -> None:
        """
        Check the targets, and check the rules against the categories of the task that returns the result.

        Airflow calls this when the DAG is complete. Both checks need the whole DAG.
        """
        super().prepare_template()
        if self.has_dag():  # type: ignore[no-untyped-call]
            self._targets(route_names(self._check_rules_in_file(self._all_categories() or self._source_categories())))

    def execute(self, context: Context) -> Any:
        """Classify the document, or take the result; then branch. :returns: the result."""
        self.check(context)
        return self._branch(context, self.result if self.has_result else super().execute(context))

    def lineage(self) -> Lineage:
        """Return the document, the answer and the tasks that follow."""
        if self._taken is None:
            return super().lineage()
        result, targets = self._taken
        return lineage.of_result(result, route=targets)

    def check(self, context: Context) -> None:
        """
        Check the branch before the document is submitted, because a submit may cost money.

        :raises AirflowFailException: a rule or target is wrong, or the operator is mapped.
        :raises AirflowRescheduleException: Airflow has not created all instances that this one may skip.
        """
        with fail_fast.fail_without_retry():
            rules = self._rules(self.minimum_confidence, self._all_categories())
            self._targets(route_names(rules))
            if compat.mapped_task_group(self) is not None:
                mapped_branch.reschedule_until_created(context, self._tasks_that_may_be_skipped(rules))
            elif context["ti"].map_index not in (None, -1):
                raise InvalidRoutes(_cannot_be_mapped(self.task_id))  # @task.classify_branch does not call partial()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume a deferred classification; then branch. :returns: the result."""
        return self._branch(context, super().resume_execution(next_method, next_kwargs, context))

    def _branch(self, context: Context, result: Any) -> Any:
        task_instance: Any = context["ti"]
        with fail_fast.fail_without_retry():
            decision = self._rules(self.minimum_confidence).decide(result)
            targets = self._targets(as_names(decision.route))
        self.log.info("The document goes to %s. %s", ", ".join(targets), decision.why)
        task_instance.xcom_push(key=DECISION_KEY, value=decision.to_json())
        self._taken = (result, targets)
        if self.do_xcom_push and result is not None:  # Airflow does not push None, and Airflow 3.0 cannot
            # In Airflow 3, do_branch can end the task by an exception. Then Airflow does not push the returned value.
            task_instance.xcom_push(key="return_value", value=result)
        self.do_branch(context, targets)
        if compat.mapped_task_group(self) is not None:
            compat.skip_instances(task_instance, tasks_to_skip(self, targets))
        return result

    def _check_rules_in_file(self, categories: object) -> Routing[str | Sequence[str]]:
        """Return the rules when the DAG is parsed. A threshold that is not known yet counts as 0."""
        threshold = self.minimum_confidence if is_known(self.minimum_confidence) else 0.0
        return self._rules(threshold, categories if is_known(categories) else None)

    def _rules(self, threshold: Any, categories: object = None) -> Routing[str | Sequence[str]]:
        """
        Return the rules of the branch.

        :param categories: all categories that a result can have, to check the rules; ``None`` if they are not known.
        :raises InvalidRoutes: a rule is wrong. The error names the task.
        """
        with _with_task_name(self.task_id):
            routing = Routing(self.routes, self.review, self.otherwise, threshold)
            route_names(routing)
            if categories is not None:
                routing.check_categories([category.name for category in parse_categories(categories)])
        return routing

    def _targets(self, names: Sequence[str]) -> list[str]:
        return [find_target(self, name) for name in names]

    def _tasks_that_may_be_skipped(self, rules: Routing[str | Sequence[str]]) -> list[str]:
        decisions = [self._targets(as_names(route)) for route in rules.all_routes()]
        return sorted({task_id for targets in decisions for task_id in tasks_to_skip(self, targets)})

    def _all_categories(self) -> object:
        """Return all categories that a result can have; ``None`` if only those with routes are known."""
        return self.categories if self.has_categories else None

    def _source_categories(self) -> object:
        """Return the categories of the task whose output is the result; ``None`` if they are not known."""
        sources = list(self.result.iter_references()) if isinstance(self.result, XComArg) else []
        match sources:
            case [(ClassifyBranchOperator() as source, "return_value")]:
                return source._all_categories() or source._source_categories()
            case [(ClassifyBaseOperator() as source, "return_value")]:
                return source.categories
        return None


def _cannot_be_mapped(task_id: str | None) -> str:
    return (
        f"Task {task_id!r}: a branch cannot be mapped, because its instances would follow and skip the same tasks; "
        "put it in a mapped task group, or map a ClassifyOperator and use sort_by_route of "
        "airflow_provider_classify.operators.sort."
    )


@contextmanager
def _with_task_name(task_id: str | None) -> Iterator[None]:
    try:
        yield
    except InvalidRoutes as error:
        raise InvalidRoutes(f"Task {task_id!r}: {error}") from error
