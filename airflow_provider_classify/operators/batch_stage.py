"""The part of a batch that one connection classifies: the first, or the second of a cascade."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_classify.batch.batch import Batch
from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.lifecycle import reattach, tracing
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.triggers.batch import ClassifyBatchTrigger
from airflow_provider_classify.triggers.classify import BACKSTOP

if TYPE_CHECKING:
    from airflow_provider_classify.hooks.classify import ClassifyHook


@dataclass(frozen=True)
class BatchStage:
    """
    The documents of a batch at one connection.

    :param batch: the whole batch.
    :param hook: the hook of the connection.
    :param is_second: whether this is the second connection of a cascade.
    """

    batch: Batch
    hook: ClassifyHook
    categories: Sequence[Category]
    is_second: bool = False

    @property
    def items(self) -> list[Item]:
        """The documents that the connection classifies."""
        return self.batch.at(second=self.is_second)

    def outstanding(self) -> list[Item]:
        """Return the documents that have neither a result nor a running job."""
        return self.batch.record.state.outstanding(self.items)

    def pending(self) -> dict[Item, str]:
        """Return the documents whose job has not ended, with the ids of their jobs."""
        return self.batch.record.state.pending(self.items)

    def run(self, task_instance: Any, todo: Sequence[Item], wait: polling.Wait | None, log: Any) -> None:
        """
        Submit documents, and wait for all jobs of the connection.

        :param todo: the documents to submit.
        :param wait: the wait for the jobs; ``None`` if the triggerer waits.
        """
        address, state = reattach.address(task_instance), self.batch.record.state
        suffix = f"/{self.hook.classify_conn_id}" if self.is_second else ""
        work = BatchWork(
            items=self.items,
            todo=todo,
            categories=self.categories,
            record=self.batch.record,
            wait=wait,
            key_of=lambda item: reattach.key_of(address, f"{item.fingerprint}{suffix}", state.failures(item)),
            log=log,
        )
        backend = self.hook.backend
        with tracing.span(tracing.BATCH, backend=backend.backend_name, documents=len(work.items), submitted=len(todo)):
            backend.run_batch(work)

    def deferral(self, wait: polling.Wait) -> TaskDeferred:
        """Return the exception that defers the task until the jobs of the connection have ended."""
        record = self.batch.record
        packed = None if self.batch.output else record.pack(self.batch.items)
        trigger = ClassifyBatchTrigger(
            classify_conn_id=self.hook.classify_conn_id,
            folder=record.folder,
            address=record.task.to_json(),
            job_ids=list(self.pending().values()) if packed else None,
            since=wait.since,
            deadline=wait.deadline,
            poll_interval=wait.longest_pause,
            is_escalated=self.is_second,
        )
        return TaskDeferred(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"record": packed} if packed else None,
            timeout=timedelta(seconds=wait.deadline - time.time()) + BACKSTOP,
        )
