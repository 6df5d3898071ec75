"""The batch operator: classify many documents in one task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.asset_events import are_arrived, require_event
from airflow_provider_classify.batch.batch import Batch, Request
from airflow_provider_classify.batch.entry_metrics import measured
from airflow_provider_classify.batch.output import check_output, check_previous
from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.record_entry import Entry
from airflow_provider_classify.batch.shards import Shard
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.lifecycle import cancel, fail_fast, lineage, metrics
from airflow_provider_classify.lifecycle.lineage import Lineage
from airflow_provider_classify.lifecycle.map_label import map_label
from airflow_provider_classify.model import events, polling
from airflow_provider_classify.model.api_contract import SHORTEST_PAUSE
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.batch_checks import OnEmpty, check_batch, failure_limit, output_of
from airflow_provider_classify.operators.batch_stage import BatchStage
from airflow_provider_classify.operators.batch_task import (
    has_surely_ended,
    references_if_known,
    references_of,
    skip_if_empty,
)
from airflow_provider_classify.operators.links import omit_pushed_links, push_links

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.documents.document import DocumentLike

#: The most seconds for fetching the results after all jobs have ended.
_FETCH_TIMEOUT = 600.0


class ClassifyBatchOperator(ClassifyBaseOperator):
    """
    Classify many documents in one task.

    With an API, at most 16 submits run concurrently. One trigger, or the worker, watches all jobs and fetches each
    result when its job has ended. With the local engine, all cores of the worker classify.

    Until the task succeeds, a record in the folder ``<output>.parts`` keeps the jobs and results. If the task is
    killed, the next try continues from the record: it waits for the submitted jobs, keeps the results, and classifies
    the failed documents again. The output is replaced only when all rows are written. A second task with the same
    output fails while the first may still write it.

    With ``escalate_to``, the second connection classifies the escalated documents when the first connection is done.
    ``answered_by`` in a row is the connection that gave the answer. An escalated document also has a short
    ``first_answer``. The manifest counts the ``escalated`` documents and the ``calls_saved``. The record keeps the
    escalated documents, so a retry submits none of them twice.

    XCom gets a manifest (counts by category, failed documents, path of the output). Without an ``output``, XCom gets
    the list of at most 1,000 results without their pages.

    The other parameters are those of :class:`ClassifyBaseOperator`.

    :param documents: references, or a folder or object-storage prefix. Templated.
    :param pattern: the documents of a folder to classify: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
        Templated.
    :param on_empty: what the task does if there are no documents: ``fail``, ``skip`` or ``succeed``. The first two
        leave an earlier output as it is. ``succeed`` replaces it with an output without rows. A local folder that does
        not exist always fails the task.
    :param output: the path or URI of a ``.jsonl``, ``.csv`` or ``.parquet`` file, on a storage that all workers and
        triggerers can reach. It gets a row for each document, with the result or an ``error``; a ``.csv`` file has
        only the columns of :data:`~airflow_provider_classify.results.COLUMNS`. Each instance of a mapped task needs
        its own output, with ``{{ ti.map_index }}`` in the name. Templated.
    :param previous: an earlier output. Its results are reused for documents whose bytes, categories and classifier have
        not changed. The file need not exist. A ``.csv`` file can be used only if the ``output`` is ``.csv`` too.
        Templated.
    :param on_unreadable: ``fail`` counts a document that cannot be read as failed. ``result`` does not count it as
        failed; it has a row with ``success`` false and its error. ``skip`` does not count it as failed either, and it
        has no row. The manifest counts such documents as ``unreadable`` or ``skipped``.
    :param max_failed: the most documents that may fail, at least 0.
    :param max_failed_share: the largest share of the documents that may fail, from 0.0 to 1.0, instead of
        ``max_failed``.
    :param shard: the part of the documents that this task classifies, planned by
        :func:`~airflow_provider_classify.operators.sharded_batch.classify_batch`. Templated.
    :param timeout: seconds after which the wait for the jobs ends. A retry continues.
    """

    template_fields: Sequence[str] = (
        "documents",
        "categories",
        "pattern",
        "output_path",
        "previous",
        "shard",
        "classify_conn_id",
        "escalate_to",
    )
    ui_color = "#bfdbfe"

    def __init__(
        self,
        *,
        documents: Sequence[DocumentLike] | DocumentLike,
        pattern: str = "*",
        on_empty: OnEmpty = "fail",
        output: DocumentLike | None = None,
        previous: DocumentLike | None = None,
        max_failed: float | None = None,
        max_failed_share: float | None = None,
        shard: dict[str, str] | None = None,
        timeout: float = 24 * 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        check_batch(
            self.task_id,
            documents=documents,
            pattern=pattern,
            output=output,
            previous=previous,
            on_empty=on_empty,
            shard=shard,
        )
        self.limit = failure_limit(max_failed, max_failed_share, self.task_id)
        self.documents = documents
        self._needs_event = are_arrived(documents) and on_empty != "succeed"
        self.pattern = pattern
        self.on_empty = on_empty
        # An operator has another attribute `output`, its XCom.
        self.output_path = output_of(output, "output", self.task_id)
        self.previous = output_of(previous, "previous", self.task_id)
        self.shard = shard
        self._value: Any = None  # the manifest or the rows, for the lineage
        self._running: tuple[Any, BatchRecord] | None = None  # the task instance and its record, to cancel its jobs

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Create a mapped task, as for any operator.

        :raises ValueError: all instances would write the same output, or an argument is not valid.
        :raises ClassifyError: categories, documents or the name of an output are not valid.
        """
        check_batch(**{"task_id": "", **kwargs})
        output = kwargs.get("output")
        if isinstance(output, str) and "map_index" not in output:
            raise ValueError(
                f"All instances of the mapped task {kwargs.get('task_id')!r} would write the same output {output!r}; "
                "put {{ ti.map_index }} in its name, or map over output too."
            )
        return super().partial(**kwargs)

    def execute(self, context: Context) -> Any:
        """Classify the documents that have no result yet. :returns: the manifest, or the results without an output."""
        return self.classify(context)

    def classify(self, context: Context) -> Any:
        """Do the same as ``execute``, for another operator. Airflow warns if an operator calls ``execute`` itself."""
        with fail_fast.fail_without_retry():
            wait = self._wait()
            push_links(self, context, "")
            stage = self._stage(self._begin(context))
            self._run(context, stage, stage.outstanding(), None if self.deferrable else wait)
            if self.deferrable and stage.pending():
                raise stage.deferral(wait)
            return self._escalate(context, stage, wait)

    def execute_complete(
        self, context: Context, event: events.Event | None = None, record: dict[str, Any] | None = None
    ) -> Any:
        """
        Resume after the trigger's event, and fetch the results, which the event does not contain.

        :param record: the record of a batch without an ``output``. The deferral carries it, because the task may resume
            on another machine.
        """
        omit_pushed_links(self)
        with fail_fast.fail_without_retry():
            events.raise_given_up(event)
            batch = Batch.resume(
                output=self.output_path,
                task=TaskAddress.of(context["ti"]),
                packed=record,
                evidence=self._keeps_evidence,
                cascade=self.cascade,
            )
            now = time.time()
            # The jobs may have ended, so the first request needs no pause, unlike after a submit.
            began = now - SHORTEST_PAUSE
            wait = polling.Wait("", since=began, deadline=now + _FETCH_TIMEOUT, longest_pause=self.poll_interval)
            stage = self._stage(batch, second=events.is_escalated(event))
            self._run(context, stage, [], wait)
            return self._finish(context, batch, wait) if stage.is_second else self._escalate(context, stage, wait)

    def lineage(self) -> Lineage:
        """Return the documents, the output and the counts. The output of a shard is temporary, so it is left out."""
        output = self.output_path if self.shard is None else None
        return lineage.of_batch(references_if_known(self.documents), output, self._value)

    @property
    def map_label(self) -> str:
        """The name of the folder, or of the output."""
        return map_label(self.documents if isinstance(self.documents, str) else self.output_path)

    def on_kill(self) -> None:
        """Cancel the jobs if the task has ended and the API has a cancel. Otherwise keep them for the next try."""
        if self._running:
            task_instance, record = self._running
            cancel.from_worker(task_instance, self.log, self.hook.backend.connect, record.state.job_ids)
            if record.state.job_ids(escalated=True):
                second = partial(record.state.job_ids, escalated=True)
                cancel.from_worker(task_instance, self.log, self.second_hook.backend.connect, second)

    def _begin(self, context: Context) -> Batch:
        if self.output_path is not None:
            check_output(self.output_path)
        if self.previous is not None and self.shard is None:  # the plan of the shards has checked it
            check_previous(self.previous, self.output_path)
        request = Request(
            documents=references_of(self.documents),
            pattern=self.pattern,
            categories=parse_categories(self.categories),
            classifier=self.hook.backend.identity(parse_categories(self.categories)),
            shard=None if self.shard is None else Shard.from_json(self.shard),
            may_be_empty=self.on_empty == "succeed",
            cascade=self.cascade,
        )
        with skip_if_empty(self.on_empty):
            if self._needs_event:
                require_event(context)
            return Batch.begin(
                request,
                output=self.output_path,
                previous=self.previous,
                task=TaskAddress.of(context["ti"]),
                has_ended=lambda task: has_surely_ended(task, self.log),
                evidence=self._keeps_evidence,
            )

    def _wait(self) -> polling.Wait:
        now = time.time()
        return polling.Wait("", since=now, deadline=now + self.timeout, longest_pause=self.poll_interval)

    def _stage(self, batch: Batch, *, second: bool = False) -> BatchStage:
        hook = self.second_hook if second else self.hook
        return BatchStage(batch, hook, parse_categories(self.categories), is_second=second)

    def _run(self, context: Context, stage: BatchStage, todo: Sequence[Item], wait: polling.Wait | None) -> None:
        self._running = (context["ti"], stage.batch.record)
        stage.batch.record.on_entry = partial(self._count, stage.hook.backend_name)
        stage.run(context["ti"], todo, wait, self.log)

    def _count(self, backend: str, entry: Entry) -> None:
        hooks = [self.hook] if self.cascade is None else [self.hook, self.second_hook]
        backend_of = {hook.classify_conn_id: hook.backend_name for hook in hooks}
        metrics.send(*measured(entry, backend, backend_of))

    def _escalate(self, context: Context, first: BatchStage, wait: polling.Wait) -> Any:
        """
        Ask the second connection of a cascade about the escalated documents, and finish the batch.

        :param first: the documents of the first connection.
        :param wait: the wait for the first connection, which has ended.
        :raises TaskDeferred: the triggerer waits for the second connection.
        """
        batch = first.batch
        if not batch.at(second=True) or first.pending():
            return self._finish(context, batch, wait)
        stage = self._stage(batch, second=True)
        todo = stage.outstanding()
        if todo:
            self.log.info("%d of %d documents are escalated to %r.", len(todo), len(batch.items), self.escalate_to)
            if not todo[0].reference:  # the task has resumed
                todo = batch.with_references(todo, references_of(self.documents), self.pattern)
        wait = self._wait()
        self._run(context, stage, todo, None if self.deferrable else wait)
        if self.deferrable and stage.pending():
            raise stage.deferral(wait)
        return self._finish(context, batch, wait)

    def _finish(self, context: Context, batch: Batch, wait: polling.Wait) -> Any:
        # The record of a shard is deleted with those of the other shards.
        value = batch.finish(wait, self.limit, self.on_unreadable, keep_record=self.shard is not None)
        self._value = value
        if self.outlets:
            self.asset_outlets.record_batch(context, self.outlets, batch.rows(), self.output_path)
        return value

    @property
    def _keeps_evidence(self) -> bool:
        """Whether the record and the output may contain text of the documents. Both connections must allow this."""
        return self.hook.evidence and (self.cascade is None or self.second_hook.evidence)
