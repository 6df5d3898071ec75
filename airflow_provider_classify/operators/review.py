"""The operator that asks a person to check a classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_classify.documents.example_folder import store_example
from airflow_provider_classify.exceptions import ClassifyError, ReviewNotAnswered, ReviewNotAvailable
from airflow_provider_classify.lifecycle import compat, fail_fast
from airflow_provider_classify.lifecycle.map_label import MAP_INDEX_TEMPLATE, map_label
from airflow_provider_classify.lifecycle.thumbnail_route import XCOM_KEY, thumbnail_path
from airflow_provider_classify.local.thumbnails import first_page
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.model.scores import scores_of
from airflow_provider_classify.operators.checks import check_categories, check_number, check_result
from airflow_provider_classify.operators.links import PAGE_LINKS
from airflow_provider_classify.review import (
    Answer,
    parse_result,
    predicted_category,
    review_body,
    review_options,
    review_subject,
    with_answer,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.standard.operators.hitl import HITLOperator
else:
    HITLOperator = compat.human_in_the_loop_operator()
    if HITLOperator is None:  # too old: the class below can still be imported, but its constructor raises an error
        from airflow.providers.common.compat.sdk import BaseOperator as HITLOperator

#: The options of the operator until it knows the result. Airflow requires at least one.
_NOT_KNOWN_YET = ["(the categories)"]


def _require_page(task_id: object) -> None:
    """Check that Airflow has the page. :raises ReviewNotAvailable: Airflow or its standard provider is too old."""
    if compat.human_in_the_loop_operator() is None:
        raise ReviewNotAvailable(
            f"Task {task_id!r} needs Airflow 3.1 or newer, with version 1.12.2 or newer of its standard provider; "
            "update them, or send doubtful documents to people in another way."
        )


class ClassificationReviewOperator(HITLOperator):
    """
    Ask a person for the category of a document, on Airflow's *Required Actions* page (Airflow 3.1 or later,
    with version 1.12.2 or later of its standard provider).

    The page shows the document, a picture of its first page, the predicted category, how probable each category is, and
    the evidence. The person chooses one of the categories; the best comes first. While the task waits, it occupies no
    worker.

    XCom gets the corrected result: the answer is its ``classification``, with the ``confidence`` 1, and these fields
    are added:

    - ``reviewed_by``: the name of the person; ``null`` if nobody answered in time, so that the prediction stands.
    - ``reviewed_at``: the time of the answer.
    - ``predicted``: the ``classification`` and ``confidence`` of the classifier, or its ``error``.
    - ``learned``: the path of the stored example, with ``learn_into``.

    The other parameters are those of ``HITLOperator``, such as ``response_timeout``, ``assigned_users`` and
    ``notifiers``.

    :param result: the result of a ``ClassifyOperator`` or ``ClassifySensor``. It can be of a failure or of a blank
        document. To review many results, use ``expand(result=…)``. Templated.
    :param categories: the categories to choose from, as for a ``ClassifyOperator``. They are needed if the results
        have no ``scores``: those of a classify API, and failures. Templated.
    :param minimum_confidence: the threshold, a confidence from 0 to 1. A result with this confidence or a higher one is
        returned as it is, without a question. By default, a person is asked about each result.
    :param on_timeout: what happens after ``response_timeout``: ``fail`` fails the task, ``prediction`` uses the
        classifier's answer.
    :param learn_into: a folder, or an object-storage prefix. If the person corrects the classifier, the document is
        copied into the category's folder in it (``learn_into/category``). A later classification learns from it with
        ``{"name": "category", "examples": "learn_into/category"}``. If the classifier scored the categories, an answer
        without a score is not stored. Templated.
    :param thumbnail: whether the page shows a picture of the document's first page. The picture is in XCom, under the
        key ``thumbnail``, so it stays in Airflow's database. It needs the extra ``local`` on the worker.
    """

    operator_extra_links = PAGE_LINKS
    template_fields: Sequence[str] = ("result", "categories", "learn_into")
    ui_color = "#fef3c7"

    def __init__(
        self,
        *,
        result: Any,
        categories: CategoriesLike | None = None,
        minimum_confidence: float | None = None,
        on_timeout: Literal["fail", "prediction"] = "fail",
        learn_into: str | None = None,
        thumbnail: bool = True,
        **kwargs: Any,
    ) -> None:
        _require_page(kwargs.get("task_id"))
        super().__init__(subject="", options=_NOT_KNOWN_YET, **kwargs)
        if categories is not None:
            check_categories(categories, self.task_id)
        if minimum_confidence is not None:
            check_number(minimum_confidence, "minimum_confidence", self.task_id, most=1.0)
        if on_timeout not in ("fail", "prediction"):
            raise ValueError(f"The on_timeout of {self.task_id!r} is {on_timeout!r}; give 'fail' or 'prediction'.")
        response_timeout = kwargs.get("response_timeout")
        if not isinstance(response_timeout, (timedelta, type(None))):
            raise ValueError(
                f"The response_timeout of {self.task_id!r} is {response_timeout!r}; give a timedelta, such as "
                "timedelta(days=2)."
            )
        if on_timeout == "prediction" and response_timeout is None:
            raise ValueError(
                f"The task {self.task_id!r} has on_timeout='prediction' without response_timeout, so it would wait "
                "forever; give a response_timeout, such as timedelta(days=2)."
            )
        check_result(result, self.task_id)
        self.result = result
        self.categories = categories
        self.minimum_confidence = minimum_confidence
        self.on_timeout = on_timeout
        self.learn_into = learn_into
        self.thumbnail = thumbnail

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Create a mapped task, as for any operator. By default, each instance has the name of its document.

        :raises ReviewNotAvailable: Airflow or its standard provider is too old.
        """
        _require_page(kwargs.get("task_id"))
        return super().partial(**{"map_index_template": MAP_INDEX_TEMPLATE, **kwargs})

    @property
    def map_label(self) -> str:
        """The name of the document."""
        return map_label(self.result.get("document")) if isinstance(self.result, Mapping) else ""

    def execute(self, context: Context) -> Any:
        """
        Write the question to Airflow's page and wait for the answer.

        :returns: the result as it is, if its confidence reaches the threshold.
        """
        with fail_fast.fail_without_retry():
            result = parse_result(self.result)
            if self._is_sure(result):
                self.log.info("The confidence reaches the threshold, so no review is needed.")
                return dict(result)
            self._prepare(result)
            self.body = review_body(
                result,
                thumbnail=self._push_thumbnail(result, context),
                threshold=self.minimum_confidence,
                stays_after=self._stays_after(),
            )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Put the answer into the result. Airflow calls this after a person's answer or after the timeout."""
        with fail_fast.fail_without_retry():
            result = parse_result(self.result)
            self._prepare(result)
            answer = self._without_person(result, event) if "error" in event else self._answer(context, event)
            corrected = with_answer(result, answer)
            self.log.info("%s", _described(result, answer))
            if answer.category is not None and answer.category != predicted_category(result):
                corrected |= self._learn(result, answer.category)
            return corrected

    def _is_sure(self, result: Mapping[str, Any]) -> bool:
        """Return whether the result has a prediction whose confidence reaches the threshold."""
        confidence = result.get("confidence")
        return (
            self.minimum_confidence is not None
            and predicted_category(result) is not None
            and isinstance(confidence, (int, float))
            and confidence >= self.minimum_confidence
        )

    def _prepare(self, result: Mapping[str, Any]) -> None:
        """Set the arguments of Airflow's operator that depend on the result."""
        names = [category.name for category in parse_categories(self.categories)] if self.categories else []
        predicted = predicted_category(result)
        self.options = review_options(result, names)
        self.subject = review_subject(result)
        self.defaults = [predicted] if predicted is not None and self.on_timeout == "prediction" else None

    def _stays_after(self) -> str:
        """Return the time after which the prediction stays, such as ``2 days, 0:00:00``; empty if it does not stay."""
        return str(self.response_timeout).removesuffix(", 0:00:00") if self.on_timeout == "prediction" else ""

    def _answer(self, context: Context, event: dict[str, Any]) -> Answer:
        """Return the answer of a person, or the prediction that Airflow took after the timeout."""
        given = super().execute_complete(context, event)
        user = given.get("responded_by_user") or {}
        by = user.get("name") or user.get("id")
        return Answer(given["chosen_options"][0], by, _iso(given.get("responded_at")))

    def _without_person(self, result: Mapping[str, Any], event: Mapping[str, Any]) -> Answer:
        """
        Return the answer for a review that no person answered.

        After the timeout, Airflow itself chooses the prediction. A blank document or a failure has no prediction, so
        Airflow reports a timeout for it.

        :raises ReviewNotAnswered: the task must fail after the timeout, or Airflow reports another error.
        """
        if event.get("error_type") == "timeout" and self.on_timeout == "prediction":
            return Answer(predicted_category(result), None, _iso(None))
        if event.get("error_type") == "timeout":
            raise ReviewNotAnswered(
                f"Nobody answered within {self.response_timeout} ({self.subject}); clear the task to ask again, or "
                "set on_timeout='prediction' to take the prediction."
            )
        raise ReviewNotAnswered(
            f"Airflow could not deliver the answer ({self.subject}: {event['error']}); clear the task to ask again."
        )

    def _push_thumbnail(self, result: Mapping[str, Any], context: Context) -> str | None:
        """Push a picture of the first page to XCom and return its URL; ``None`` if there is no picture."""
        if not self.thumbnail:
            return None
        picture = first_page(result)
        if picture is None:
            return None
        task_instance: Any = context["ti"]
        task_instance.xcom_push(key=XCOM_KEY, value=picture)
        return thumbnail_path(
            task_instance.dag_id, task_instance.run_id, task_instance.task_id, task_instance.map_index
        )

    def _learn(self, result: Mapping[str, Any], category: str) -> dict[str, str]:
        """Store the document as an example. If this fails, keep the answer, so that no person is asked again."""
        if self.learn_into is None:
            return {}
        scores = scores_of(result)
        if scores and category not in scores:
            self.log.info(
                "The document is not stored as an example, because %r is no category of the classifier.", category
            )
            return {}
        if result.get("success") is False or result.get("blank"):
            self.log.info("The document is not stored as an example, because it has no text that could be compared.")
            return {}
        try:
            path = store_example(self.learn_into, category, result.get("document"), others=self.options)
        except ClassifyError as error:
            self.log.warning("%s The answer counts, but the document is not stored as an example.", error)
            return {}
        self.log.info("The document is stored as the example %s.", path)
        return {"learned": path}


def _described(result: Mapping[str, Any], answer: Answer) -> str:
    predicted = predicted_category(result)
    if answer.by is None:
        return f"Nobody answered in time; the prediction {predicted!r} stands."
    return f"{answer.by} chose {answer.category!r}; the prediction was {predicted!r}."


def _iso(moment: datetime | None) -> str:
    return (moment or datetime.now(UTC)).isoformat()
