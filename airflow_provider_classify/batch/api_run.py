"""A batch through a classify API: bounded submits, all jobs watched together, bounded fetches."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import Ledger
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, DocumentError, JobFailed, JobNotFound, JobTimedOut
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.backend import JobSession
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import Job

#: Uploads, and fetches, under way at the same time.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class ApiRun:
    """
    The two halves of a batch; between them the task may defer.

    A document that fails is a line of the ledger. An error of the server or the account ends the run,
    and what was done until then is on record.
    """

    jobs: JobSession
    ledger: Ledger
    progress: ProgressLog

    async def submit(
        self, items: Iterable[Item], categories: Sequence[Category], key_of: Callable[[Item], str]
    ) -> None:
        """
        Hand documents over.

        :raises ClassifyError: the API refused, failed or was not reached.
        """
        waiting = iter(items)

        async def work() -> None:
            for item in waiting:  # shared: each worker takes the next one
                document = Document(item.document)
                try:
                    submission = await self.jobs.submit(document, categories, idempotency_key=key_of(item))
                except DocumentError as error:
                    self.ledger.failed(item, error)
                    self.progress.one_done(failed=True)
                else:
                    self.ledger.submitted(item, submission.job_id)

        await _all(work() for _ in range(_AT_ONCE))

    async def collect(self, under_way: Mapping[Item, str], wait: waiting.Wait) -> None:
        """
        Wait for the jobs and put their results on record; one that is not done by the deadline stays "submitted".

        :param wait: what all the waits have in common.
        :raises ClassifyError: the API refused, failed or was not reached.
        """
        fetching = asyncio.Semaphore(_AT_ONCE)

        async def follow(item: Item, job_id: str) -> None:
            try:
                line = await self._line(item, replace(wait, job_id=job_id), fetching)
            except JobTimedOut:
                return
            except JobNotFound:
                self.ledger.lost(item)
                raise
            except (DocumentError, JobFailed) as error:
                self.ledger.failed(item, error, job_id)
                self.progress.one_done(failed=True)
            else:
                self.ledger.ended(item, line)
                self.progress.one_done(failed=False)

        await _all(follow(item, job_id) for item, job_id in under_way.items())

    async def _line(self, item: Item, wait: waiting.Wait, fetching: asyncio.Semaphore) -> dict[str, object]:
        end = await self.jobs.watch(wait)
        if isinstance(end, waiting.GaveUp):
            raise end.error
        job = await self._fetch(replace(wait, since=time.time()), fetching)
        result = waiting.answer(job, Document(item.document).label)
        return {"job_id": job.job_id, **result.to_json()}

    async def _fetch(self, wait: waiting.Wait, fetching: asyncio.Semaphore) -> Job:
        """Get a job that has ended, with the pauses of a wait while the server fails or asks for them."""
        while True:
            try:
                async with fetching:
                    return await self.jobs.get(wait.job_id)
            except ClassifyError as error:
                step = waiting.after(wait, error, now=time.time(), chance=random.random())
            if isinstance(step, waiting.GaveUp):
                raise step.error
            if isinstance(step, waiting.LookAgain):
                await asyncio.sleep(step.seconds)


async def _all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them together; the first error stops the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors.exceptions[0].__cause__
