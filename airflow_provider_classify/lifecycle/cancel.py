"""What a killed task does about its jobs, in a worker and in the triggerer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from airflow.triggers.base import BaseTrigger

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook, describe_cancel
from airflow_provider_classify.lifecycle.task_ended import has_given_up
from airflow_provider_classify.model.backend import JobSession

#: Cancels under way at the same time.
_AT_ONCE = 16
#: Seconds that a killed worker has to say good-bye; Airflow's SIGKILL follows 5 s after its SIGTERM.
_PATIENCE = 4.0
#: What killed triggers are still at: an event loop does not keep its tasks alive by itself.
_farewells: set[asyncio.Task[None]] = set()

#: Tells the ids of the jobs under way, once that is asked; it may block.
JobIds = Callable[[], Sequence[str]]
Connect = Callable[[], AbstractAsyncContextManager[JobSession]]


def from_worker(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    """Cancel the jobs of a killed operator if a user has ended its task; what a next try may want is left."""

    def say() -> None:
        try:
            asyncio.run(_give_up(task_instance, log, connect, job_ids))
        except Exception:  # nobody is left to handle it
            log.exception("What is under way is left to itself: whether to cancel it could not be found out.")

    # This is a signal handler. The code that it interrupted may hold the lock of the line to Airflow, which
    # is not re-entrant: so a thread asks, and the process is killed soon if it gets no answer.
    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    thread.join(_PATIENCE)


async def from_trigger(trigger: BaseTrigger, classify_conn_id: str, job_ids: JobIds) -> None:
    """As :func:`from_worker`, for a killed trigger."""
    # Airflow 3.3.2 cancels a killed trigger again with each of its syncs, about once a second, also in here.
    # So this is a task of its own, which goes on.
    connect = ClassifyHook(classify_conn_id).connect
    farewell = asyncio.create_task(_give_up(trigger.task_instance, trigger.log, connect, job_ids))
    _farewells.add(farewell)
    farewell.add_done_callback(_farewells.discard)
    await asyncio.shield(farewell)


async def _give_up(task_instance: Any, log: Any, connect: Connect, job_ids: JobIds) -> None:
    if not await asyncio.to_thread(has_given_up, task_instance):
        log.info("What is under way is left to itself; the next try takes it up.")
        return
    unwanted = await asyncio.to_thread(job_ids)
    async with connect() as jobs:
        # One first: an API that has no cancel is not asked for it thousands of times.
        if unwanted and await _cancel(log, jobs, unwanted[0]):
            rest = iter(unwanted[1:])

            async def work() -> None:
                for job_id in rest:  # shared: each worker takes the next one
                    await _cancel(log, jobs, job_id)

            await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


async def _cancel(log: Any, jobs: JobSession, job_id: str) -> bool:
    """Give whether a further cancel makes sense. What cannot be cancelled now is done for nobody, and no harm."""
    try:
        job = await jobs.cancel(job_id)
    except ClassifyError as error:
        log.warning("Job %s could not be cancelled: %s", job_id, error)
        return error.retryable
    log.info("%s", describe_cancel(job_id, job))
    return job is not None
