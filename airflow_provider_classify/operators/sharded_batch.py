"""A batch in shards: its documents are divided among mapped tasks, which can run on many workers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, TaskGroup

from airflow_provider_classify.asset_events import are_arrived, require_event
from airflow_provider_classify.batch.output import check_output, check_previous, read_output
from airflow_provider_classify.batch.sharded_batch import ShardedBatch
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.lifecycle import lineage
from airflow_provider_classify.lifecycle.fail_fast import fail_without_retry
from airflow_provider_classify.lifecycle.lineage import Lineage
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.operators.asset_outlets import Outlets
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.batch_checks import OnEmpty, check_batch, failure_limit, output_of
from airflow_provider_classify.operators.batch_task import (
    has_surely_ended,
    references_if_known,
    references_of,
    skip_if_empty,
)
from airflow_provider_classify.operators.checks import check_on_unreadable, is_known
from airflow_provider_classify.operators.lineage import LineageMixin
from airflow_provider_classify.operators.links import PAGE_LINKS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context, XComArg

    from airflow_provider_classify.documents.document import DocumentLike
    from airflow_provider_classify.model.batch_output import BatchManifest
    from airflow_provider_classify.model.categories import CategoriesLike

#: The arguments of an operator that only one task of the group gets.
_FIRST_ONLY, _LAST_ONLY = ("trigger_rule",), ("outlets",)


class ClassifyBatchGroup(TaskGroup):
    """The tasks of a batch in shards. Only :func:`classify_batch` creates it."""

    @property
    def output(self) -> XComArg:
        """The XCom of the group: the manifest of the whole batch."""
        merge: Any = self.children[f"{self.group_id}.merge"]
        manifest: XComArg = merge.output
        return manifest


def classify_batch(
    *,
    task_id: str,
    documents: Sequence[DocumentLike] | DocumentLike,
    categories: CategoriesLike,
    output: DocumentLike,
    shards: int,
    pattern: str = "*",
    on_empty: OnEmpty = "fail",
    previous: DocumentLike | None = None,
    max_failed: float | None = None,
    max_failed_share: float | None = None,
    on_unreadable: OnUnreadable = "fail",
    outlet_by_category: Mapping[str, Asset] | None = None,
    **kwargs: Any,
) -> ClassifyBatchGroup:
    """
    Classify many documents in several tasks, which can run on several workers.

    The group has three tasks: ``plan`` divides the documents, each instance of the mapped task ``shard`` classifies a
    part of them, and ``merge`` writes one output and pushes one manifest. The limit of failed documents applies to the
    whole batch. If a shard is killed, its next try continues from its own record.

    With the local engine each shard uses all cores of its worker, so let a worker run one shard at a time.

    :param task_id: the id of the group.
    :param output: as for a :class:`ClassifyBatchOperator`, but required, on a storage that all workers reach.
    :param shards: the number of shards, at least 1. There are fewer if there are fewer documents.
    :param outlet_by_category: as for a :class:`ClassifyBatchOperator`. The last task sends the events.
    :param kwargs: other arguments of :class:`ClassifyBatchOperator`. Arguments that every operator has, such as
        ``retries`` or ``queue``, apply to all tasks. Only the first task gets ``trigger_rule``, and only the last task
        gets ``outlets``.
    :returns: the group. Its ``output`` is the manifest.
    :raises ValueError: an argument is out of range, or two arguments do not fit together.
    :raises ClassifyError: categories, documents or the name of an output are not valid.
    """
    if isinstance(shards, bool) or not isinstance(shards, int) or shards < 1:
        raise ValueError(f"The shards of {task_id!r} are {shards!r}; give a number of at least 1.")
    if output is None:
        raise ValueError(f"The batch {task_id!r} in shards has no output; give it one that all workers reach.")
    batch = {"documents": documents, "pattern": pattern, "previous": output_of(previous, "previous", task_id)}
    limit = {"max_failed": max_failed, "max_failed_share": max_failed_share}
    check_batch(task_id, categories=categories, output=output, on_empty=on_empty, **batch, **limit)
    check_on_unreadable(on_unreadable, task_id)
    if is_known(categories):
        Outlets(outlet_by_category or {}, task_id).require_known(categories, task_id)
    first, middle, last = _arguments_of_tasks(kwargs)
    output_path = output_of(output, "output", task_id)
    group = ClassifyBatchGroup(group_id=task_id)
    with group:
        plan = ClassifyBatchPlanOperator(
            task_id="plan",
            merge_task_id=f"{group.group_id}.merge",
            output=output_path,
            shards=shards,
            on_empty=on_empty,
            **batch,
            **first,
        )
        shard = ClassifyBatchOperator.partial(
            task_id="shard", categories=categories, on_empty="succeed", max_failed_share=1.0, **batch, **middle
        ).expand_kwargs(plan.output)
        merge = ClassifyBatchMergeOperator(
            task_id="merge",
            documents=documents,
            output=output_path,
            plan=plan.output,
            on_unreadable=on_unreadable,
            outlet_by_category=outlet_by_category,
            **limit,
            **last,
        )
        shard >> merge
    return group


class ClassifyBatchPlanOperator(BaseOperator):
    """
    Divide the documents of a batch among shards. A task of :func:`classify_batch`.

    XCom gets the arguments of each shard. Their size does not grow with the number of documents.
    """

    template_fields: Sequence[str] = ("documents", "pattern", "output_path", "previous")
    ui_color = "#dbeafe"

    def __init__(
        self,
        *,
        documents: Any,
        pattern: str,
        output: Any,
        previous: Any,
        shards: int,
        on_empty: OnEmpty,
        merge_task_id: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.documents = documents
        self._needs_event = are_arrived(documents) and on_empty != "succeed"
        self.pattern = pattern
        self.output_path = output
        self.previous = previous
        self.shards = shards
        self.on_empty = on_empty
        self.merge_task_id = merge_task_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Claim the output and return the arguments of each shard."""
        with fail_without_retry(), skip_if_empty(self.on_empty):
            if self._needs_event:
                require_event(context)
            check_output(self.output_path)
            if self.previous is not None:
                check_previous(self.previous, self.output_path)
            task = TaskAddress.of(context["ti"])
            batch = ShardedBatch(
                references_of(self.documents),
                self.pattern,
                self.output_path,
                TaskAddress(task.dag_id, self.merge_task_id, task.run_id),
            )
            return batch.plan(
                self.shards,
                may_be_empty=self.on_empty == "succeed",
                has_ended=lambda other: has_surely_ended(other, self.log),
            )


class ClassifyBatchMergeOperator(LineageMixin, BaseOperator):
    """Write the rows of all shards to one output, and return one manifest. A task of :func:`classify_batch`."""

    template_fields: Sequence[str] = ("documents", "output_path", "plan")
    ui_color = "#dbeafe"
    operator_extra_links = PAGE_LINKS

    def __init__(
        self,
        *,
        documents: Any,
        output: Any,
        plan: Any,
        on_unreadable: OnUnreadable,
        outlet_by_category: Mapping[str, Asset] | None,
        max_failed: float | None,
        max_failed_share: float | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.limit = failure_limit(max_failed, max_failed_share, self.task_id)
        self.documents = documents
        self.output_path = output
        self.plan = plan
        self._manifest: BatchManifest | None = None
        self.on_unreadable = on_unreadable
        self.asset_outlets = Outlets(outlet_by_category or {}, self.task_id)
        if self.asset_outlets.alias is not None:
            self.outlets = [*self.outlets, self.asset_outlets.alias]

    def execute(self, context: Context) -> BatchManifest:
        """Merge the shards and return the manifest."""
        with fail_without_retry():
            task = TaskAddress.of(context["ti"])
            batch = ShardedBatch(references_of(self.documents), "*", self.output_path, task)
            shards = [shard["output"] for shard in self.plan]
            manifest = batch.merge(
                shards, self.limit, self.on_unreadable, to_clear=f"{task} with the tasks before it in its group"
            )
            self._manifest = manifest
            if self.outlets:
                rows = read_output(self.output_path)
                self.asset_outlets.record_batch(context, self.outlets, rows, self.output_path)
            return manifest

    def lineage(self) -> Lineage:
        """Return the documents of all shards, the output and the counts."""
        return lineage.of_batch(references_if_known(self.documents), self.output_path, self._manifest)


def _arguments_of_tasks(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the arguments of a group that its first, middle and last task get."""
    of_all = {name: value for name, value in arguments.items() if name not in _batch_arguments()}
    first = {name: value for name, value in of_all.items() if name not in _LAST_ONLY}
    middle = {name: value for name, value in arguments.items() if name not in (*_FIRST_ONLY, *_LAST_ONLY)}
    last = {name: value for name, value in of_all.items() if name not in _FIRST_ONLY}
    return first, middle, last


@cache
def _batch_arguments() -> frozenset[str]:
    """Return the names of the arguments that the batch operator defines itself. Other operators do not have them."""
    classes = (ClassifyBaseOperator, ClassifyBatchOperator)
    return frozenset(name for one in classes for name in inspect.signature(one.__init__).parameters)
