"""What a killed trigger does about its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from airflow.triggers.base import BaseTrigger

from airflow_provider_classify.backends.base import Jobs
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook, describe_cancel
from airflow_provider_classify.killed import has_given_up

#: Cancels under way at the same time.
_AT_ONCE = 16
#: What killed triggers are still at: an event loop does not keep its tasks alive by itself.
_farewells: set[asyncio.Task[None]] = set()


async def say_farewell(trigger: BaseTrigger, classify_conn_id: str, job_ids: Callable[[], Sequence[str]]) -> None:
    """
    Cancel the jobs of a trigger if its task has ended, marked so by a user; what a next try may want is left.

    :param job_ids: tells which they are, once that is asked; it may block.
    """
    # Airflow 3.3.2 cancels a killed trigger again with each of its syncs, about once a second, also in here.
    # So this is a task of its own, which goes on.
    farewell = asyncio.create_task(_give_up(trigger, classify_conn_id, job_ids))
    _farewells.add(farewell)
    farewell.add_done_callback(_farewells.discard)
    await asyncio.shield(farewell)


async def _give_up(trigger: BaseTrigger, classify_conn_id: str, job_ids: Callable[[], Sequence[str]]) -> None:
    if not await asyncio.to_thread(has_given_up, trigger.task_instance):
        trigger.log.info("What is under way is left to itself; the next try takes it up.")
        return
    unwanted = await asyncio.to_thread(job_ids)
    async with ClassifyHook(classify_conn_id).connect() as jobs:
        # One first: an API that has no cancel is not asked for it thousands of times.
        if unwanted and await _cancel(trigger, jobs, unwanted[0]):
            rest = iter(unwanted[1:])

            async def work() -> None:
                for job_id in rest:  # shared: each worker takes the next one
                    await _cancel(trigger, jobs, job_id)

            await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


async def _cancel(trigger: BaseTrigger, jobs: Jobs, job_id: str) -> bool:
    """Give whether a further cancel makes sense. What cannot be cancelled now is done for nobody, and no harm."""
    try:
        job = await jobs.cancel(job_id)
    except ClassifyError as error:
        trigger.log.warning("Job %s could not be cancelled: %s", job_id, error)
        return error.retryable
    trigger.log.info("%s", describe_cancel(job_id, job))
    return job is not None
