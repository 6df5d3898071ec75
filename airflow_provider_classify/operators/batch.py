"""The batch operator: classify many documents in one task."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_classify.batch.batch import Batch, Request
from airflow_provider_classify.batch.output import check_output
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.reference import is_storage_path
from airflow_provider_classify.lifecycle import cancel, fail_fast, reattach
from airflow_provider_classify.lifecycle.cancel import has_ended
from airflow_provider_classify.model import events, polling
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.triggers.batch import ClassifyBatchTrigger
from airflow_provider_classify.triggers.classify import BACKSTOP

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

    Until the task succeeds, a record in the folder ``<output>.parts`` keeps what is done. If the task is killed, the
    next try continues from the record: it waits for the submitted jobs, keeps the results, and classifies the failed
    documents again. The output is replaced only when all rows are written. A second task with the same output fails
    while the first may still write it.

    XCom gets a manifest (counts by category, failed documents, path of the output). Without an ``output``, XCom gets
    the list of at most 1,000 results without their pages.

    :param documents: references, or a folder or object-storage prefix. Templated.
    :param pattern: the documents of a folder to classify: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
        Templated.
    :param output: the path or URI of a ``.jsonl`` or ``.parquet`` file, on a storage that all workers and triggerers
        can reach. It gets a row for each document, with the result or an ``error``. Each instance of a mapped task
        needs its own output, with ``{{ ti.map_index }}`` in the name. Templated.
    :param previous: an earlier output. Its results are reused for documents whose bytes, categories and classifier
        have not changed. The file need not exist. Templated.
    :param on_unreadable: ``fail`` counts a document that cannot be read as failed. ``result`` does not count it as
        failed; it has a row with ``success`` false and its error. ``skip`` does not count it as failed either, and it
        has no row. The manifest counts such documents as ``unreadable`` or ``skipped``.
    :param max_failed: the most documents that may fail, at least 0.
    :param max_failed_share: the largest share of the documents that may fail, from 0.0 to 1.0, instead of
        ``max_failed``.
    :param timeout: seconds after which the wait for the jobs ends. A retry continues.

    The other parameters are those of :class:`ClassifyBaseOperator`.
    """

    template_fields: Sequence[str] = (
        "documents",
        "categories",
        "pattern",
        "output_path",
        "previous",
        "classify_conn_id",
    )
    ui_color = "#bfdbfe"

    def __init__(
        self,
        *,
        documents: Sequence[DocumentLike] | DocumentLike,
        pattern: str = "*",
        output: str | None = None,
        previous: str | None = None,
        max_failed: float | None = None,
        max_failed_share: float | None = None,
        timeout: float = 24 * 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.limit = _failure_limit(max_failed, max_failed_share, self.task_id)
        self.documents = documents
        self.pattern = pattern
        self.output_path = output  # an operator has another attribute `output`, its XCom
        self.previous = previous
        self._running: tuple[Any, BatchRecord] | None = None  # the task instance and its record, to cancel its jobs

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Create a mapped task, as for any operator.

        :raises ValueError: all instances would write the same output.
        """
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
        """Do what ``execute`` does, from another operator, where Airflow warns of a call of ``execute``."""
        with fail_fast.fail_without_retry():
            now = time.time()
            wait = polling.Wait("", since=now, deadline=now + self.timeout, longest_pause=self.poll_interval)
            batch = self._begin(context)
            self._run(context, batch, batch.record.state.outstanding(batch.items), None if self.deferrable else wait)
            if not self.deferrable or not batch.record.state.pending(batch.items):
                return batch.finish(wait, self.limit, self.on_unreadable)
        raise self._deferral(batch, wait)

    def execute_complete(
        self, context: Context, event: events.Event | None = None, record: dict[str, Any] | None = None
    ) -> Any:
        """
        Resume after the trigger's event, which contains no results, and fetch them.

        :param record: the record of a batch without an ``output``, which may resume on another machine.
        """
        with fail_fast.fail_without_retry():
            events.raise_given_up(event)
            batch = Batch.resume(
                output=self.output_path,
                task=TaskAddress.of(context["ti"]),
                packed=record,
                evidence=self.hook.evidence,
            )
            now = time.time()
            # The jobs may have ended, so the first request needs no pause, unlike after a submit.
            began = now - polling.SHORTEST_PAUSE
            wait = polling.Wait("", since=began, deadline=now + _FETCH_TIMEOUT, longest_pause=self.poll_interval)
            self._run(context, batch, [], wait)
            return batch.finish(wait, self.limit, self.on_unreadable)

    def on_kill(self) -> None:
        """Cancel the jobs if the task has ended and the API has a cancel. Otherwise keep them for the next try."""
        if self._running:
            task_instance, record = self._running
            cancel.from_worker(task_instance, self.log, self.hook.backend.connect, record.state.job_ids)

    def _begin(self, context: Context) -> Batch:
        if self.output_path:
            check_output(self.output_path)
        request = Request(
            documents=_references(self.documents),
            pattern=self.pattern,
            categories=parse_categories(self.categories),
            classifier=self.hook.backend.identity(),
        )
        return Batch.begin(
            request,
            output=self.output_path,
            previous=self.previous,
            task=TaskAddress.of(context["ti"]),
            has_ended=self._has_ended,
            evidence=self.hook.evidence,
        )

    def _run(self, context: Context, batch: Batch, todo: Sequence[Any], wait: polling.Wait | None) -> None:
        address = reattach.address(context["ti"])
        state = batch.record.state
        self._running = (context["ti"], batch.record)
        self.hook.backend.run_batch(
            BatchWork(
                items=batch.items,
                todo=todo,
                categories=parse_categories(self.categories),
                record=batch.record,
                wait=wait,
                key_of=lambda item: reattach.key_of(address, item.fingerprint, state.failures(item)),
                log=self.log,
            )
        )

    def _deferral(self, batch: Batch, wait: polling.Wait) -> TaskDeferred:
        packed = None if self.output_path else batch.record.pack(batch.items)
        trigger = ClassifyBatchTrigger(
            classify_conn_id=self.classify_conn_id,
            folder=batch.record.folder,
            address=batch.record.task.to_json(),
            job_ids=list(batch.record.state.pending(batch.items).values()) if packed else None,
            since=wait.since,
            deadline=wait.deadline,
            poll_interval=wait.longest_pause,
        )
        return TaskDeferred(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"record": packed} if packed else None,
            timeout=timedelta(seconds=wait.deadline - time.time()) + BACKSTOP,
        )

    def _has_ended(self, task: TaskAddress) -> bool:
        try:
            return has_ended(task)
        except Exception:  # an error of Airflow's API, or a call outside a running task
            self.log.warning("It is unknown whether %s has ended.", task, exc_info=True)
            return False


def _references(documents: Any) -> str | list[str]:
    """Return the reference of the folder, or the references of the documents."""
    if isinstance(documents, (str, os.PathLike)) or is_storage_path(documents) or documents is None:
        return Document.of(documents).reference
    return [Document.of(document).reference for document in documents]


def _failure_limit(max_failed: float | None, max_failed_share: float | None, task_id: str) -> FailureLimit:
    if isinstance(max_failed, float):
        warnings.warn(
            f"The max_failed of {task_id!r} is a share; give max_failed_share={max_failed} instead.",
            DeprecationWarning,
            stacklevel=4,
        )
        max_failed, max_failed_share = None, max_failed if max_failed_share is None else max_failed_share
    if max_failed is not None and max_failed_share is not None:
        raise ValueError(f"The task {task_id!r} has max_failed and max_failed_share; give one of them.")
    if max_failed is not None and max_failed < 0:
        raise ValueError(f"The max_failed of {task_id!r} is {max_failed}; give 0 or more documents.")
    if max_failed_share is not None and not 0 <= max_failed_share <= 1:
        raise ValueError(f"The max_failed_share of {task_id!r} is {max_failed_share}; give a share from 0.0 to 1.0.")
    return FailureLimit(int(max_failed or 0), max_failed_share)
