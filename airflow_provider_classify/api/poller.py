"""
Watch any number of jobs of one server from one event loop.

Each trigger of a connection waits for a future. One heap has the times at which jobs are due. A few asyncio tasks, the
workers, request the statuses of the jobs that are due, in groups if the server accepts several ids in a request. This
costs less CPU time than a loop and a timer for each job.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from airflow_provider_classify.api.throttle import Throttle
from airflow_provider_classify.exceptions import ClassifyError, InvalidJobId
from airflow_provider_classify.job_session import OnLooked, ignore_looks
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.api_contract import SHORTEST_PAUSE
from airflow_provider_classify.model.job import JobStatus, require_job_id
from airflow_provider_classify.model.wait_log import WaitLog

#: The most concurrent requests, and the most jobs in them. The loop is blocked while it handles the replies that
#: arrive together.
_MAX_WORKERS = 32
_MAX_JOBS = 800
#: Seconds between two checks for due jobs. A request can be early or late by half of this, so that each turn of the
#: loop handles many jobs.
_TICK = 0.1

Seen = JobStatus | ClassifyError


class Source(Protocol):
    """The session or backend that returns the statuses of jobs."""

    @property
    def group_size(self) -> int:
        """The most jobs of one request. It can change after a request."""
        ...

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, Seen]:
        """
        Return the statuses of jobs. The poller immediately asks again for a job that is missing in the result.

        :param job_ids: valid ids.
        :raises ClassifyError: the request failed. The error applies to each of the jobs.
        """
        ...


@dataclass(frozen=True, slots=True)
class _LoggedWait:
    """Logs the progress of a wait."""

    log: Any
    lines: WaitLog
    context: Context

    def log_look(self, seen: Seen, next_look: float, now: float) -> None:
        line = self.lines.line(seen, next_look, now)
        if line is not None:
            self.context.run(self.log.info, "%s", line)


@dataclass(slots=True, eq=False)
class _Watched:
    wait: polling.Wait
    end: asyncio.Future[polling.Ended | polling.GaveUp]
    logged: _LoggedWait | None
    seen: Seen = JobStatus.QUEUED

    def time_out(self) -> None:
        if not self.end.done():
            self.end.set_result(polling.GaveUp(polling.timed_out(self.wait, self.seen)))

    def fail(self, error: Exception) -> None:
        if not self.end.done():
            self.end.set_exception(error)


class Poller:
    """
    Asks for jobs until each has ended or its deadline has passed. Use an instance on one event loop only.

    An unexpected exception is raised in all waits for the jobs that it concerns.

    :param source: returns the statuses of jobs.
    :param rate: the most requests per second; ``None`` for no limit.
    :param on_looked: called after each request, with the number of its jobs.
    """

    def __init__(self, source: Source, rate: float | None, on_looked: OnLooked = ignore_looks) -> None:
        self._source = source
        self._on_looked = on_looked
        self._throttle = Throttle(rate)
        self._watched: set[_Watched] = set()
        # Jobs by their due time on the loop's clock. The number decides the order of equal times.
        self._due: list[tuple[float, int, list[_Watched]]] = []
        self._number = count()
        self._due_until = 0.0  # workers ask for the jobs that are due until this time; _tick() advances it
        self._clock: asyncio.Task[None] | None = None
        self._workers: set[asyncio.Task[None]] = set()

    async def watch(self, wait: polling.Wait, log: Any = None) -> polling.Ended | polling.GaveUp:
        """
        Wait until a job has ended or its deadline has passed. :func:`polling.after` decides the pauses.

        :param log: the logger for the progress of the wait, at most one line in 30 s. It is called in the context of
            this call, because a triggerer finds the log of a trigger by its context.
        """
        try:
            require_job_id(wait.job_id)  # an invalid id would fail the request of a whole group
        except InvalidJobId as error:
            return polling.GaveUp(error)
        if self._clock is None or self._clock.done():
            self._clock = asyncio.create_task(self._tick())
        loop, now = asyncio.get_running_loop(), time.time()
        logged = None if log is None else _LoggedWait(log, WaitLog(wait), copy_context())
        job = _Watched(wait, loop.create_future(), logged)
        self._watched.add(job)
        self._schedule([job], loop.time() + polling.first_pause(wait, now=now, chance=random.random()))
        # polling.after() ends the wait at its deadline. This timer ends it if requests are delayed by a failing server.
        late = loop.call_later(max(0.0, wait.deadline - now) + SHORTEST_PAUSE, job.time_out)
        try:
            return await job.end
        finally:
            self._watched.discard(job)
            late.cancel()

    async def close(self) -> None:
        """Stop all tasks. Call it only when no call of :meth:`watch` is waiting."""
        tasks = [task for task in (self._clock, *self._workers) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _schedule(self, jobs: list[_Watched], at: float) -> None:
        heappush(self._due, (at, next(self._number), jobs))

    async def _tick(self) -> None:
        """Start workers whenever jobs are due."""
        try:
            while True:
                await asyncio.sleep(_TICK)
                self._due_until = asyncio.get_running_loop().time() + _TICK / 2
                at_once = max(1, min(_MAX_WORKERS, _MAX_JOBS // self._source.group_size))
                while len(self._workers) < at_once and (group := self._next_group()):
                    worker = asyncio.create_task(self._work(group))
                    self._workers.add(worker)
                    worker.add_done_callback(self._workers.discard)
        except Exception as error:  # without this, an unexpected error would leave all jobs without an answer
            self._fail(self._watched, error)

    def _next_group(self) -> list[_Watched]:
        """
        Remove and return the jobs that are due, at most as many as one request accepts.

        Only :meth:`_tick` advances the time until which jobs are due. If each worker advanced it, they would send many
        requests for a few jobs each.
        """
        size = self._source.group_size
        group: list[_Watched] = []
        while len(group) < size and self._due and self._due[0][0] <= self._due_until:
            at, _, jobs = heappop(self._due)
            room = size - len(group)
            group += [job for job in jobs[:room] if not job.end.done()]
            if jobs[room:]:
                self._schedule(jobs[room:], at)
        return group

    async def _work(self, group: list[_Watched]) -> None:
        """Ask for this group, then for further groups until no job is due."""
        try:
            while group:
                try:
                    await self._ask(group)
                except Exception as error:  # the waits for these jobs raise it
                    self._fail(group, error)
                group = self._next_group()
        except Exception as error:  # it is unknown which jobs this concerns
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
        self._on_looked(len(ids))
        self._step(group, seen)

    async def _turn(self) -> float:
        """Wait until the throttle allows a request. Return that time on the loop's clock."""
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
        # by pause, so that jobs with the same pause stay in a group
        again: dict[float, list[_Watched]] = defaultdict(list)
        # The jobs of a batch have the same times, so most decisions are the same.
        decided: dict[tuple[float, float, float, Seen], polling.LookAgain] = {}
        for job in group:
            if job.end.done():  # cancelled, or timed out meanwhile
                continue
            wait = job.wait
            found = seen.get(wait.job_id)
            if found is None:
                again[0.0].append(job)
                continue
            job.seen = found
            times = (wait.since, wait.deadline, wait.longest_pause, found)
            step: polling.Next = decided.get(times) or polling.after(wait, found, now=now, chance=chance)
            if isinstance(step, polling.LookAgain):
                decided[times] = step
                if job.logged is not None:
                    job.logged.log_look(found, step.seconds, now)
                again[step.seconds].append(job)
            else:
                job.end.set_result(step)
        for seconds, jobs in again.items():
            self._schedule(jobs, asyncio.get_running_loop().time() + seconds)

    @staticmethod
    def _fail(jobs: Iterable[_Watched], error: Exception) -> None:
        for job in list(jobs):
            job.fail(error)
