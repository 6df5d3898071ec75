"""
Cancel the jobs of a killed task if the task has ended.

Airflow also calls ``on_kill`` if the job is still needed: when a user clears the task, when a worker shuts down, and
when another triggerer continues a trigger (apache/airflow#73454). The next try of the task may already have reattached
to the job. So jobs are cancelled only if their task instance is in a terminal state, for example because a user has
marked it as failed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError, JobCancelled
from airflow_provider_classify.job_session import JobSession
from airflow_provider_classify.lifecycle.compat import task_states
from airflow_provider_classify.model.job import Job

_TERMINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
#: The most cancel requests that run concurrently.
_CONCURRENCY = 16
#: Seconds that a killed worker waits for its cancels. Airflow sends SIGKILL 5 s after SIGTERM.
_WORKER_TIMEOUT = 4.0
#: The running cancels of killed triggers. An event loop keeps only weak references to its tasks.
_running: set[asyncio.Task[None]] = set()

#: Returns the ids of the jobs that have not ended. It may block.
JobIds = Callable[[], Sequence[str]]
Connect = Callable[[], AbstractAsyncContextManager[JobSession]]


def from_worker(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    """
    Cancel the jobs of a killed operator if its task has ended.

    The caller is a signal handler. The interrupted code may hold the lock of the connection to Airflow, which is not
    re-entrant. So another thread sends the request to Airflow, and the caller waits for at most 4 s.
    """

    def run() -> None:
        try:
            asyncio.run(_cancel_if_ended(task_instance, log, connect, job_ids))
        except Exception:  # Airflow can raise any error, and a signal handler must not raise it
            log.exception("The jobs are not cancelled, because the state of their task could not be read.")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_WORKER_TIMEOUT)


async def from_trigger(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    """
    Cancel the jobs of a killed trigger if its task has ended.

    Airflow 3.3.2 cancels a killed trigger about once a second, also while this function runs. So the work runs in a
    separate asyncio task, which is not cancelled.
    """
    task = asyncio.create_task(_cancel_if_ended(task_instance, log, connect, job_ids))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.shield(task)


def has_ended(task_instance: Any) -> bool:
    """
    Ask Airflow whether a task instance is in a terminal state.

    This blocks, so do not call it on an event loop. Airflow 2.x has no API for this; there the result is ``False``.
    """
    states = task_states(task_instance)
    return states is not None and is_terminal(
        states, task_instance.run_id, task_instance.task_id, task_instance.map_index
    )


def is_terminal(
    states: Mapping[str, Mapping[str, str | None]], run_id: str, task_id: str, map_index: int | None
) -> bool:
    """
    Return whether a task instance is in a terminal state. A task instance without a state is not.

    :param states: the result of :func:`compat.task_states`.
    """
    is_mapped = map_index is not None and map_index >= 0
    return states.get(run_id, {}).get(f"{task_id}_{map_index}" if is_mapped else task_id) in _TERMINAL


def describe_cancel(job_id: str, job: Job | None) -> str:
    """Describe the outcome of a cancel request, for a log line."""
    if job is None:
        return f"Job {job_id} is not cancelled, because the API has no cancel or does not have the job"
    if job.status.is_terminal and job.error_kind != JobCancelled.__name__:
        return f"Job {job_id} is not cancelled, because it has ended: it is {job.status}"
    return f"Cancel was requested for job {job_id}, which is {job.status} ({job.error or job.progress})"


async def _cancel_if_ended(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    if not await asyncio.to_thread(has_ended, task_instance):
        log.info("The jobs are not cancelled, because the task has not ended and its next try may need them.")
        return
    ids = await asyncio.to_thread(job_ids)
    async with connect() as session:
        # Cancel the first job alone, so that an API without a cancel gets one request and not thousands.
        if not ids or not await _cancel(log, session, ids[0]):
            return
        remaining = iter(ids[1:])

        async def cancel_next() -> None:
            for job_id in remaining:  # all coroutines share this iterator, so each takes the next job
                await _cancel(log, session, job_id)

        await asyncio.gather(*(cancel_next() for _ in range(_CONCURRENCY)))


async def _cancel(log: Any, session: JobSession, job_id: str) -> bool:
    """Cancel a job and log the outcome. Return ``False`` if the API cannot cancel the other jobs either."""
    try:
        job = await session.cancel(job_id)
    except ClassifyError as error:
        log.warning("Job %s could not be cancelled: %s", job_id, error)
        return error.retryable
    log.info("%s.", describe_cancel(job_id, job))
    return job is not None
