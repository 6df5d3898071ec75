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
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from airflow_provider_classify.api.throttle import Throttle
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.contract import JobStatus

#: Looks under way at the same time, and jobs in them: what comes back in one turn of the loop holds it up.
_WORKERS = 32
_JOBS = 800
#: Seconds between two calls for what is due. Jobs are looked at up to half of it early or late, and so
#: many in one turn of the loop instead of one in each.
_TICK = 0.1

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
    wait: waiting.Wait
    end: asyncio.Future[waiting.Ended | waiting.GaveUp]
    seen: Seen = JobStatus.QUEUED

    def time_out(self) -> None:
        if not self.end.done():
            self.end.set_result(waiting.GaveUp(waiting.timed_out(self.wait, self.seen)))


class Poller:
    """
    Looks at jobs until each has ended or its deadline has passed. To be used from one loop.

    :param source: where the jobs are.
    :param rate: looks a second at the most; ``None`` for no limit.
    """

    def __init__(self, source: Source, rate: float | None) -> None:
        self._source = source
        self._throttle = Throttle(rate)
        # Jobs by due time on the loop's clock; those due at the same time by a number, for lists of jobs have no order.
        self._due: list[tuple[float, int, list[_Watched]]] = []
        self._number = count()
        self._soon = 0.0  # what is due until then is looked at; the clock moves it on
        self._clock: asyncio.Task[None] | None = None
        self._workers: set[asyncio.Task[None]] = set()

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until the job has ended, with the pauses of the wait's age between looks."""
        if self._clock is None:
            self._clock = asyncio.create_task(self._tick())
        loop, now = asyncio.get_running_loop(), time.time()
        job = _Watched(wait, loop.create_future())
        self._schedule([job], loop.time() + waiting.first_pause(wait, now=now, chance=random.random()))
        # The decision keeps the deadline by itself, unless looks are held up by a server that is down.
        late = loop.call_later(max(0.0, wait.deadline - now) + waiting.SHORTEST_PAUSE, job.time_out)
        try:
            return await job.end
        finally:
            late.cancel()

    async def close(self) -> None:
        """Stop looking. Nobody may be waiting any more."""
        tasks = [task for task in (self._clock, *self._workers) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _schedule(self, jobs: list[_Watched], at: float) -> None:
        heappush(self._due, (at, next(self._number), jobs))

    async def _tick(self) -> None:
        """Have workers at work whenever jobs are due."""
        while True:
            await asyncio.sleep(_TICK)
            self._soon = asyncio.get_running_loop().time() + _TICK / 2
            at_once = max(1, min(_WORKERS, _JOBS // self._source.group_size))
            while len(self._workers) < at_once and (group := self._next_group()):
                worker = asyncio.create_task(self._work(group))
                self._workers.add(worker)
                worker.add_done_callback(self._workers.discard)

    def _next_group(self) -> list[_Watched]:
        """
        Take jobs that are due, as many as one look covers. While all workers are busy, later groups grow.

        Only the clock says what is due: a worker that took whatever has come due since would look at a few
        jobs at a time, over and over.
        """
        size = self._source.group_size
        group: list[_Watched] = []
        while len(group) < size and self._due and self._due[0][0] <= self._soon:
            at, _, jobs = heappop(self._due)
            room = size - len(group)
            group += [job for job in jobs[:room] if not job.end.done()]
            if jobs[room:]:
                self._schedule(jobs[room:], at)
        return group

    async def _work(self, group: list[_Watched]) -> None:
        """Look at this group, and at others until no job is due."""
        while group:
            await self._look(group)
            group = self._next_group()

    async def _look(self, group: list[_Watched]) -> None:
        sent_at = await self._turn()
        ids = [job.wait.job_id for job in group]
        seen: Mapping[str, Seen]
        try:
            seen = await self._source.statuses(ids)
        except ClassifyError as error:
            seen = dict.fromkeys(ids, error)
            if error.retryable:
                now = asyncio.get_running_loop().time()
                self._throttle.failed(error, sent_at=sent_at, now=now, chance=random.random())
        except Exception as error:  # a fault of this program: whoever waits shall see it
            for job in group:
                if not job.end.done():
                    job.end.set_exception(error)
            return
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
        now, chance = time.time(), random.random()
        again: dict[float, list[_Watched]] = defaultdict(list)  # by the pause: who waits alike stays together
        for job in group:
            if job.end.done():  # cancelled, or timed out meanwhile
                continue
            found = seen.get(job.wait.job_id)
            if found is None:
                again[0.0].append(job)
                continue
            job.seen = found
            step = waiting.after(job.wait, found, now=now, chance=chance)
            if isinstance(step, waiting.LookAgain):
                again[step.seconds].append(job)
            else:
                job.end.set_result(step)
        for seconds, jobs in again.items():
            self._schedule(jobs, asyncio.get_running_loop().time() + seconds)
