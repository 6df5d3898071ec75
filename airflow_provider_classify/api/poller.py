"""
Watch any number of jobs of one server from one event loop.

Every trigger of a connection waits here for a future. One heap says which job is due, and a few workers ask for
the jobs, in groups where the server takes several ids at once. A loop and a timer for each job would cost several
times as much.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from airflow_provider_classify.api.throttle import Throttle
from airflow_provider_classify.exceptions import ClassifyError, InvalidJobId
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.job import JobStatus, require_job_id

#: Requests under way at the same time, and jobs in them: replies that come in one turn of the loop hold it up.
_WORKERS = 32
_JOBS = 800
#: Seconds between two checks for what is due. Jobs are asked for up to half of it early or late, so that
#: many are in one turn of the loop instead of one in each.
_TICK = 0.1

Seen = JobStatus | ClassifyError


class Source(Protocol):
    """What the jobs are asked from."""

    @property
    def group_size(self) -> int:
        """How many jobs one request can be about. It may change after a request."""
        ...

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, Seen]:
        """
        Return the statuses of jobs. A job without an entry is asked for again at once (the group was too large).

        :raises ClassifyError: the request as a whole failed; the error counts for each of the jobs.
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

    def fail(self, error: Exception) -> None:
        if not self.end.done():
            self.end.set_exception(error)


class Poller:
    """
    Asks for jobs until each has ended or its deadline has passed. To be used from one loop.

    A fault of this program or of the source is raised to those who wait for the jobs that it concerns.

    :param source: what the jobs are asked from.
    :param rate: the most requests a second; ``None`` for no limit.
    """

    def __init__(self, source: Source, rate: float | None) -> None:
        self._source = source
        self._throttle = Throttle(rate)
        self._watched: set[_Watched] = set()
        # Jobs by due time on the loop's clock; those due at the same time by a number, for lists of jobs have no order.
        self._due: list[tuple[float, int, list[_Watched]]] = []
        self._number = count()
        self._soon = 0.0  # what is due until then is asked for; the clock moves it on
        self._clock: asyncio.Task[None] | None = None
        self._workers: set[asyncio.Task[None]] = set()

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until the job has ended, with the pauses of the wait's age between the requests."""
        try:
            require_job_id(wait.job_id)  # one that is wrong would spoil the request of a whole group
        except InvalidJobId as error:
            return waiting.GaveUp(error)
        if self._clock is None or self._clock.done():
            self._clock = asyncio.create_task(self._tick())
        loop, now = asyncio.get_running_loop(), time.time()
        job = _Watched(wait, loop.create_future())
        self._watched.add(job)
        self._schedule([job], loop.time() + waiting.first_pause(wait, now=now, chance=random.random()))
        # The decision keeps the deadline by itself, unless requests are held up by a server that is down.
        late = loop.call_later(max(0.0, wait.deadline - now) + waiting.SHORTEST_PAUSE, job.time_out)
        try:
            return await job.end
        finally:
            self._watched.discard(job)
            late.cancel()

    async def close(self) -> None:
        """Stop asking. No caller of :meth:`watch` may be left."""
        tasks = [task for task in (self._clock, *self._workers) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _schedule(self, jobs: list[_Watched], at: float) -> None:
        heappush(self._due, (at, next(self._number), jobs))

    async def _tick(self) -> None:
        """Have workers ask whenever jobs are due."""
        try:
            while True:
                await asyncio.sleep(_TICK)
                self._soon = asyncio.get_running_loop().time() + _TICK / 2
                at_once = max(1, min(_WORKERS, _JOBS // self._source.group_size))
                while len(self._workers) < at_once and (group := self._next_group()):
                    worker = asyncio.create_task(self._work(group))
                    self._workers.add(worker)
                    worker.add_done_callback(self._workers.discard)
        except Exception as error:
            self._fail(self._watched, error)

    def _next_group(self) -> list[_Watched]:
        """
        Take jobs that are due, as many as one request can be about. While all workers are busy, later groups grow.

        Only the clock says what is due. A worker that took all that has become due since would ask for a few
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
        """Ask for this group, and for others until no job is due."""
        try:
            while group:
                try:
                    await self._ask(group)
                except Exception as error:
                    self._fail(group, error)
                group = self._next_group()
        except Exception as error:  # it is not known which jobs the fault concerns
            self._fail(self._watched, error)

    async def _ask(self, group: list[_Watched]) -> None:
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
        else:
            self._throttle.answered()
        self._step(group, seen)

    async def _turn(self) -> float:
        """Wait for this worker's turn. Return the loop's time at which it came."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            seconds = self._throttle.wait(now)
            if not seconds:
                self._throttle.take(now)
                return now
            await asyncio.sleep(seconds)

    def _step(self, group: Sequence[_Watched], seen: Mapping[str, Seen]) -> None:
        """End the waits that are over, and schedule the others again."""
        now, chance = time.time(), random.random()
        again: dict[float, list[_Watched]] = defaultdict(list)  # by the pause: jobs with the same one stay together
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

    @staticmethod
    def _fail(jobs: Iterable[_Watched], error: Exception) -> None:
        for job in list(jobs):
            job.fail(error)
