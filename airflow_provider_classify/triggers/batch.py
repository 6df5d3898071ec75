"""The trigger of a batch: watch all its jobs together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.lifecycle import cancel
from airflow_provider_classify.model import events, waiting
from airflow_provider_classify.model.job import JobStatus


class ClassifyBatchTrigger(BaseTrigger):
    """
    Watch the jobs of a batch and fire one event when all have ended, or the deadline has passed.

    Airflow stores a trigger's arguments in its database, so they stay small however many jobs there are: the ids
    of a large batch are read from its record, once.

    :param classify_conn_id: the connection whose API has the jobs.
    :param folder: the folder of the batch's record.
    :param address: of the task whose record it is, as of :meth:`TaskAddress.to_json`.
    :param job_ids: the jobs of a batch whose record only its worker can reach; else ``None``.
    :param since: when the wait began, epoch seconds.
    :param deadline: when to give up, epoch seconds.
    :param poll_interval: longest pause between two looks, in seconds.
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
        }
        self.classify_conn_id = classify_conn_id
        self.folder = folder
        self.address = address
        self.since = since
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.job_ids = job_ids

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow stores to create this trigger again, also in another triggerer."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self._arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch all jobs together; then fire once, with how many ended."""
        try:
            event = await self._watch()
        except ClassifyError as error:
            event = events.encode_error(error)
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """Cancel the jobs if a user has ended the task. Otherwise the next try may need them."""
        connect = ClassifyHook(self.classify_conn_id).connect
        await cancel.from_trigger(self.task_instance, self.log, connect, self._read_job_ids)

    def _read_job_ids(self) -> list[str]:
        """Return the jobs that the batch waits for. This may read the record, so it is not for an event loop."""
        if self.job_ids is None:
            self.job_ids = BatchRecord.load(self.folder, TaskAddress.from_json(self.address)).state.job_ids()
        return self.job_ids

    async def _watch(self) -> events.Event:
        job_ids = await asyncio.to_thread(self._read_job_ids)
        progress = ProgressLog(self.log, total=len(job_ids), done=0)

        async def watch(job_id: str) -> bool:
            end = await session.watch(waiting.Wait(job_id, self.since, self.deadline, self.poll_interval))
            if isinstance(end, waiting.GaveUp):
                return False
            progress.one_done(failed=end.status is JobStatus.FAILED)
            return True

        async with ClassifyHook(self.classify_conn_id).connect() as session, progress:
            ended = await asyncio.gather(*map(watch, job_ids))
        return events.encode_batch(jobs=len(ended), ended=sum(ended))
