"""Run a batch on a classify API: submit its documents, watch all jobs together, and fetch their results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    DocumentError,
    InvalidReply,
    JobFailed,
    JobNotFound,
    JobTimedOut,
)
from airflow_provider_classify.job_session import JobSession, wait_for
from airflow_provider_classify.model import polling

#: The most submits that run concurrently, and the most fetches.
_CONCURRENCY = 16


def run_by_api(connect: Callable[[], AbstractAsyncContextManager[JobSession]], work: BatchWork) -> None:
    """
    Submit documents and record their jobs. Then wait for all jobs of the batch, if the work has a ``wait``.

    The record gets an entry for each document that fails. A job that has not ended by the deadline stays "submitted".

    :raises ClassifyError: the API or the record failed as a whole. The record keeps the earlier outcomes.
    """
    asyncio.run(_run(connect, work))


async def _run(connect: Callable[[], AbstractAsyncContextManager[JobSession]], work: BatchWork) -> None:
    if not work.todo and (work.wait is None or not work.record.state.pending(work.items)):
        return
    with work.record:
        async with connect() as jobs, work.progress_log() as progress:
            await submit(jobs, work, progress)
            if work.wait is not None:
                await collect(jobs, work, work.wait, progress)


async def submit(jobs: JobSession, work: BatchWork, progress: ProgressLog) -> None:
    """Submit the documents of ``work.todo``. :raises ClassifyError: as :func:`run_by_api`."""
    todo = iter(work.todo)

    async def submit_next() -> None:
        for item in todo:  # all coroutines share this iterator, so each takes the next document
            try:
                submission = await jobs.submit(
                    Document(item.reference), work.categories, idempotency_key=work.key_of(item)
                )
            except DocumentError as error:
                progress.one_done(failed=not work.record.failed(item, error))
            else:
                work.record.submitted(item, submission.job_id)

    await _run_all(submit_next() for _ in range(_CONCURRENCY))


async def collect(jobs: JobSession, work: BatchWork, wait: polling.Wait, progress: ProgressLog) -> None:
    """
    Wait for all jobs of a batch and record their results.

    A document fails if its job failed, or if its answer is not one of the categories.

    :param wait: the start, deadline and pauses of all waits.
    :raises ClassifyError: as :func:`run_by_api`.
    """
    record, names = work.record, [category.name for category in work.categories]
    fetching = asyncio.Semaphore(_CONCURRENCY)

    async def follow(item: Item, job_id: str) -> None:
        try:
            job = await wait_for(jobs, replace(wait, job_id=job_id), fetching)
            result = polling.answer(job, item.document, names)
        except JobTimedOut:
            return
        except JobNotFound:
            record.lost(item)
            raise
        except (DocumentError, JobFailed, InvalidReply) as error:
            progress.one_done(failed=not record.failed(item, error, job_id))
        else:
            progress.one_done(failed=not record.classified(item, result.to_json(), job_id))

    await _run_all(follow(item, job_id) for item, job_id in record.state.pending(work.items).items())


async def _run_all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines concurrently. The first error cancels the others, and is raised without an exception group."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors.exceptions[0].__cause__
