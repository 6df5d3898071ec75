"""A batch through a classify API: bounded submits, all jobs watched together, bounded fetches."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, DocumentError, JobFailed, JobNotFound, JobTimedOut
from airflow_provider_classify.job_session import JobSession
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.job import Job

#: Uploads, and fetches, at the same time.
_AT_ONCE = 16


def run_by_api(connect: Callable[[], AbstractAsyncContextManager[JobSession]], work: BatchWork) -> None:
    """
    Submit documents and put their jobs on record; then wait for all jobs of the batch, if the work says so.

    A document that fails is an entry of the record. A job that is not done by the deadline stays "submitted".

    :raises ClassifyError: the API refused, failed or was not reached, or the record cannot be written; what was
        done until then is on record.
    """
    asyncio.run(_run(connect, work))


async def _run(connect: Callable[[], AbstractAsyncContextManager[JobSession]], work: BatchWork) -> None:
    if not work.todo and (work.wait is None or not work.record.state.pending(work.items)):
        return
    with work.record:
        async with connect() as jobs, work.progress_log() as progress:
            await submit(jobs, work, progress)
            if work.wait is not None:
                await collect(jobs, work.record, work.items, work.wait, progress)


async def submit(jobs: JobSession, work: BatchWork, progress: ProgressLog) -> None:
    """Submit the documents that are to do. :raises ClassifyError: as :func:`run_by_api`."""
    todo = iter(work.todo)

    async def work_off() -> None:
        for item in todo:  # shared: each worker takes the next one
            try:
                submission = await jobs.submit(
                    Document(item.reference), work.categories, idempotency_key=work.key_of(item)
                )
            except DocumentError as error:
                work.record.failed(item, error)
                progress.one_done(failed=True)
            else:
                work.record.submitted(item, submission.job_id)

    await _all(work_off() for _ in range(_AT_ONCE))


async def collect(
    jobs: JobSession, record: BatchRecord, items: Iterable[Item], wait: waiting.Wait, progress: ProgressLog
) -> None:
    """
    Wait for the jobs of documents and put their results on record.

    :param wait: what all waits have in common.
    :raises ClassifyError: as :func:`run_by_api`.
    """
    fetching = asyncio.Semaphore(_AT_ONCE)

    async def follow(item: Item, job_id: str) -> None:
        try:
            job = await _end_of(jobs, replace(wait, job_id=job_id), fetching)
            result = waiting.answer(job, item.document)
        except JobTimedOut:
            return
        except JobNotFound:
            record.lost(item)
            raise
        except (DocumentError, JobFailed) as error:
            record.failed(item, error, job_id)
            progress.one_done(failed=True)
        else:
            progress.one_done(failed=not record.classified(item, result.to_json(), job_id))

    await _all(follow(item, job_id) for item, job_id in record.state.pending(items).items())


async def _end_of(jobs: JobSession, wait: waiting.Wait, fetching: asyncio.Semaphore) -> Job:
    end = await jobs.watch(wait)
    if isinstance(end, waiting.GaveUp):
        raise end.error
    return await _fetch(jobs, replace(wait, since=time.time()), fetching)


async def _fetch(jobs: JobSession, wait: waiting.Wait, fetching: asyncio.Semaphore) -> Job:
    """Get a job that has ended, with the pauses of a wait while the server fails or asks for them."""
    while True:
        try:
            async with fetching:
                return await jobs.get(wait.job_id)
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
