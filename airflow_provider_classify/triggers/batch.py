"""The trigger that watches all jobs of a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.lifecycle import cancel, metrics, tracing
from airflow_provider_classify.model import events, measurements, polling
from airflow_provider_classify.model.job import JobStatus


class ClassifyBatchTrigger(BaseTrigger):
    """
    Watch the jobs of a batch. Fire one event when all have ended or the deadline has passed.

    Airflow stores the arguments of a trigger in its database. So that they stay small, the trigger reads the job ids
    of a large batch from its record.

    :param classify_conn_id: the connection whose API has the jobs.
    :param folder: the folder of the batch's record.
    :param address: the task of the record, the result of :meth:`TaskAddress.to_json`.
    :param job_ids: the ids of the jobs if only the worker can reach the record; otherwise ``None``.
    :param since: the start of the wait, in epoch seconds.
    :param deadline: the end of the wait, in epoch seconds.
    :param poll_interval: the longest pause between two requests for a job, in seconds.
    :param is_escalated: whether to watch the jobs at the second connection of a cascade.
    """

    def __init__(
        self,
        *,
        classify_conn_id: str,
        folder: str,
        address: dict[str, Any],
        job_ids: list[str] | None,
        since: float,
        deadline: float,
        poll_interval: float,
        is_escalated: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._arguments = {
            "classify_conn_id": classify_conn_id,
            "folder": folder,
            "address": address,
            "job_ids": job_ids,
            "since": since,
            "deadline": deadline,
            "poll_interval": poll_interval,
            "is_escalated": is_escalated,
        }
        self.classify_conn_id = classify_conn_id
        self.folder = folder
        self.address = address
        self.since = since
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.is_escalated = is_escalated
        self.job_ids = job_ids

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and arguments, from which Airflow creates this trigger in any triggerer."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self._arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the jobs. Then fire once, with the number of jobs that ended."""
        try:
            event = await self._watch()
        except ClassifyError as error:
            event = events.encode_error(error)
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """Cancel the jobs if the task has ended. Otherwise keep them, because the next try may need them."""
        connect = ClassifyHook(self.classify_conn_id).connect
        await cancel.from_trigger(self.task_instance, self.log, connect, self._read_job_ids)

    def _read_job_ids(self) -> list[str]:
        """Return the ids of the jobs. This can read the record, so do not call it on an event loop."""
        if self.job_ids is None:
            state = BatchRecord.load(self.folder, TaskAddress.from_json(self.address)).state
            self.job_ids = state.job_ids(escalated=self.is_escalated)
        return self.job_ids

    async def _watch(self) -> events.Event:
        job_ids = await asyncio.to_thread(self._read_job_ids)
        progress = ProgressLog(self.log, total=len(job_ids), done=0)

        async def watch(job_id: str) -> bool:
            end = await session.watch(polling.Wait(job_id, self.since, self.deadline, self.poll_interval))
            if isinstance(end, polling.GaveUp):
                return False
            progress.one_done(failed=end.status is JobStatus.FAILED)
            metrics.send(measurements.waited(session.backend_name, time.time() - self.since))
            return True

        async with ClassifyHook(self.classify_conn_id).connect() as session, progress:
            with tracing.span(tracing.WAIT, backend=session.backend_name, jobs=len(job_ids)):
                ended = await asyncio.gather(*map(watch, job_ids))
        return events.encode_batch(jobs=len(ended), ended=sum(ended), is_escalated=self.is_escalated)
