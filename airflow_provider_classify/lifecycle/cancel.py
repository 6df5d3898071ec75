"""
Cancel the jobs of a task that was killed, if the task has ended for good.

Airflow calls ``on_kill`` also where the job is still needed. The next try of a cleared task may have taken
the job up before the old trigger is killed; a worker that shuts down kills a task that will be retried; a
trigger is killed when another triggerer takes it over (apache/airflow#73454). So jobs are cancelled only if
their task instance is in a terminal state, as it is after a user has marked it so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.job_session import JobSession
from airflow_provider_classify.lifecycle.compat import task_states
from airflow_provider_classify.model.job import Job

_TERMINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
#: Cancels under way at the same time.
_AT_ONCE = 16
#: Seconds that a killed worker waits for its cancels; Airflow's SIGKILL follows 5 s after its SIGTERM.
_WORKER_TIMEOUT = 4.0
#: The cancels of killed triggers: an event loop does not keep its tasks alive by itself.
_running: set[asyncio.Task[None]] = set()

#: Returns the ids of the jobs under way. It may block.
JobIds = Callable[[], Sequence[str]]
Connect = Callable[[], AbstractAsyncContextManager[JobSession]]


def from_worker(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    """
    Cancel the jobs of a killed operator if its task has ended.

    Called in a signal handler. The code that the signal interrupted may hold the lock of the connection to
    Airflow, which is not re-entrant. So a thread asks Airflow, and the process does not wait for it for long.
    """

    def run() -> None:
        try:
            asyncio.run(_cancel_if_ended(task_instance, log, connect, job_ids))
        except Exception:  # there is no caller that could handle it
            log.exception("The jobs are not cancelled: the state of their task could not be found out.")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_WORKER_TIMEOUT)


async def from_trigger(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    """
    Cancel the jobs of a killed trigger if its task has ended.

    Airflow 3.3.2 cancels a killed trigger again about once a second, also while it runs this. So the work is an
    asyncio task of its own, which goes on.
    """
    task = asyncio.create_task(_cancel_if_ended(task_instance, log, connect, job_ids))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.shield(task)


def has_ended(task_instance: Any) -> bool:
    """
    Ask Airflow whether a task instance is in a terminal state.

    This blocks: do not call it on an event loop. Airflow 2.x cannot tell, and the answer is ``False``.
    """
    states = task_states(task_instance)
    return states is not None and is_terminal(
        states, task_instance.run_id, task_instance.task_id, task_instance.map_index
    )


def is_terminal(
    states: Mapping[str, Mapping[str, str | None]], run_id: str, task_id: str, map_index: int | None
) -> bool:
    """
    Return whether the states (as of :func:`compat.task_states`) show this task instance in a terminal state.

    A task instance that is not among them is not in one.
    """
    is_mapped = map_index is not None and map_index >= 0
    return states.get(run_id, {}).get(f"{task_id}_{map_index}" if is_mapped else task_id) in _TERMINAL


def describe_cancel(job_id: str, job: Job | None) -> str:
    """Return what a cancel did, for a log line."""
    if job is None:
        return f"Job {job_id} is not cancelled: the API has no cancel, or no such job"
    return f"Job {job_id} was asked to be cancelled and is {job.status} ({job.error or job.progress})"


async def _cancel_if_ended(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    if not await asyncio.to_thread(has_ended, task_instance):
        log.info("The jobs are not cancelled: the task has not ended, and its next try takes them up.")
        return
    unwanted = await asyncio.to_thread(job_ids)
    async with connect() as session:
        # The first one alone: an API that has no cancel is not asked for it thousands of times.
        if not unwanted or not await _cancel(log, session, unwanted[0]):
            return
        remaining = iter(unwanted[1:])

        async def work() -> None:
            for job_id in remaining:  # shared: each worker takes the next one
                await _cancel(log, session, job_id)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


async def _cancel(log: Any, session: JobSession, job_id: str) -> bool:
    """Cancel one job and log what happened. Return ``False`` if the API will not cancel the other jobs either."""
    try:
        job = await session.cancel(job_id)
    except ClassifyError as error:
        log.warning("Job %s could not be cancelled: %s", job_id, error)
        return error.retryable
    log.info("%s.", describe_cancel(job_id, job))
    return job is not None
