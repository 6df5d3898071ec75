"""
Watch any number of jobs from one event loop, over one line to their server.

Every trigger of a connection waits here for a future; one heap says which job is due, a few workers
look at them, in groups where the server takes several ids at once. A trigger of its own loop and
timer for each job costs several times as much.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Protocol

from airflow_provider_classify import polling
from airflow_provider_classify.backends.throttle import Throttle
from airflow_provider_classify.contract import JobStatus
from airflow_provider_classify.exceptions import ClassifyError

#: Looks under way at the same time.
_WORKERS = 32
#: Jobs that fall due within this many seconds are looked at together.
_TICK = 0.05

Seen = JobStatus | ClassifyError


class Source(Protocol):
    """Where the jobs are."""

    @property
    def group_size(self) -> int:
        """How many jobs one look can cover. It may change after a look."""
        ...

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, Seen]:
        """
        Look at jobs. A job without an entry is looked at again at once (the group was too large).

        :raises ClassifyError: the look as a whole failed; it counts for each of the jobs.
        """
        ...


@dataclass(slots=True, eq=False)
class _Watched:
    wait: polling.Wait
    end: asyncio.Future[polling.Ended | polling.GaveUp]
    seen: Seen = JobStatus.QUEUED


@dataclass(order=True, slots=True)
class _Due:
    at: float
    job: _Watched = field(compare=False)


class Poller:
    """
    Looks at jobs until each has ended or its deadline has passed. To be used from one loop.

    :param source: where the jobs are.
    :param rate: looks a second at the most; ``None`` for no limit.
    """

    def __init__(self, source: Source, rate: float | None) -> None:
        self._source = source
        self._throttle = Throttle(rate)
        self._due: list[_Due] = []
        self._more = asyncio.Event()
        self._groups: asyncio.Queue[list[_Watched]] = asyncio.Queue(maxsize=1)
        self._tasks: list[asyncio.Task[None]] = []

    async def watch(self, wait: polling.Wait) -> polling.Ended | polling.GaveUp:
        """Wait until the job has ended, looking at once and then with the pauses of its age."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._work()) for _ in range(_WORKERS)]
            self._tasks.append(asyncio.create_task(self._dispatch()))
        job = _Watched(wait, asyncio.get_running_loop().create_future())
        self._schedule(job, 0.0)
        try:
            # The decision keeps the deadline by itself, unless looks are held up by a server that is down.
            async with asyncio.timeout(max(0.0, wait.deadline - time.time()) + polling.SHORTEST_PAUSE):
                return await job.end
        except TimeoutError:
            return polling.GaveUp(polling.timed_out(wait, job.seen))

    async def close(self) -> None:
        """Stop looking. Nobody may be waiting any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _schedule(self, job: _Watched, seconds: float) -> None:
        heappush(self._due, _Due(asyncio.get_running_loop().time() + seconds, job))
        self._more.set()

    async def _dispatch(self) -> None:
        """Hand groups of due jobs to the workers; while these are busy, later groups grow."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._due:
                self._more.clear()
                await self._more.wait()
            await asyncio.sleep(_TICK)
            now = loop.time()
            while self._due and self._due[0].at <= now:
                group: list[_Watched] = []
                while self._due and self._due[0].at <= now and len(group) < self._source.group_size:
                    job = heappop(self._due).job
                    if not job.end.done():
                        group.append(job)
                if group:
                    await self._groups.put(group)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            group = await self._groups.get()
            sent_at = await self._turn()
            ids = [job.wait.job_id for job in group]
            seen: Mapping[str, Seen]
            try:
                seen = await self._source.statuses(ids)
            except ClassifyError as error:
                seen = dict.fromkeys(ids, error)
                if error.retryable:
                    self._throttle.failed(error, sent_at=sent_at, now=loop.time(), chance=random.random())
            else:
                self._throttle.answered()
            self._step(group, seen)

    async def _turn(self) -> float:
        """Wait for this worker's turn; gives the loop's time at which it came."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            seconds = self._throttle.wait(now)
            if not seconds:
                self._throttle.take(now)
                return now
            await asyncio.sleep(seconds)

    def _step(self, group: Sequence[_Watched], seen: Mapping[str, Seen]) -> None:
        now = time.time()
        chance = random.random()  # one for the group, so that it stays together
        for job in group:
            if job.end.done():  # cancelled, or timed out meanwhile
                continue
            found = seen.get(job.wait.job_id)
            if found is None:
                self._schedule(job, 0.0)
                continue
            job.seen = found
            step = polling.after(job.wait, found, now=now, chance=chance)
            if isinstance(step, polling.LookAgain):
                self._schedule(job, step.seconds)
            else:
                job.end.set_result(step)
