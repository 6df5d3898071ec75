"""The poller against a source of jobs under the test's control."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar

import pytest

from airflow_provider_classify.api.poller import Poller
from airflow_provider_classify.exceptions import ApiNotReached, InvalidJobId, JobNotFound, JobTimedOut, RateLimited
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.job import JobStatus


class Jobs:
    """Jobs that end when the test says so. ``looks`` are the groups that were asked for, with their time."""

    def __init__(self, group_size: int = 1) -> None:
        self.group_size = group_size
        self.ended: set[str] = set()
        self.error: Exception | None = None
        self.looks: list[tuple[float, list[str]]] = []

    def asked(self):
        return {job_id for _, job_ids in self.looks for job_id in job_ids}

    async def statuses(self, job_ids):
        self.looks.append((time.monotonic(), list(job_ids)))
        assert len(job_ids) <= self.group_size
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {job_id: JobStatus.COMPLETED if job_id in self.ended else JobStatus.PROCESSING for job_id in job_ids}


def wait(job_id, seconds=30.0, longest=1.0, age=1.0):
    now = time.time()
    return polling.Wait(job_id, since=now - age, deadline=now + seconds, longest_pause=longest)


@pytest.fixture
async def watching():
    """Make a poller that is closed after the test."""
    pollers = []

    def make(source, rate=None):
        pollers.append(Poller(source, rate))
        return pollers[-1]

    yield make
    for poller in pollers:
        await poller.close()


async def test_each_gets_the_end_of_its_own_job(watching):
    jobs = Jobs()
    poller = watching(jobs)
    ends = [asyncio.create_task(poller.watch(wait(str(n)))) for n in range(20)]
    while len(jobs.asked()) < 20:
        await asyncio.sleep(0.01)
    assert not any(end.done() for end in ends)
    jobs.ended = {"3"}
    assert await ends[3] == polling.Ended(JobStatus.COMPLETED)
    assert sum(end.done() for end in ends) == 1
    jobs.ended = {str(n) for n in range(20)}
    assert set(await asyncio.gather(*ends)) == {polling.Ended(JobStatus.COMPLETED)}


async def test_jobs_that_are_due_together_are_looked_at_together(watching):
    jobs = Jobs(group_size=8)
    jobs.ended = {str(n) for n in range(20)}
    poller = watching(jobs)
    await asyncio.gather(*(poller.watch(wait(str(n))) for n in range(20)))
    assert sorted(len(group) for _, group in jobs.looks) == [4, 8, 8]


async def test_a_source_that_finds_groups_too_large_gets_single_ids(watching):
    class Reluctant(Jobs):
        async def statuses(self, job_ids):
            if len(job_ids) > 1:
                self.group_size = 1
                return {}
            return await super().statuses(job_ids)

    jobs = Reluctant(group_size=8)
    jobs.ended = {str(n) for n in range(8)}
    poller = watching(jobs)
    ends = await asyncio.gather(*(poller.watch(wait(str(n))) for n in range(8)))
    assert ends == [polling.Ended(JobStatus.COMPLETED)] * 8


async def test_a_rate_is_kept(watching):
    jobs = Jobs()
    jobs.ended = {str(n) for n in range(11)}
    poller = watching(jobs, rate=20)
    await asyncio.gather(*(poller.watch(wait(str(n))) for n in range(11)))
    times = [at for at, _ in jobs.looks]
    assert times[-1] - times[0] >= 10 / 20 * 0.98


async def test_a_server_that_is_down_is_asked_by_one_for_all_and_found_again(watching):
    jobs = Jobs()
    jobs.ended = {str(n) for n in range(50)}
    jobs.error = ApiNotReached("refused")
    poller = watching(jobs)
    ends = [asyncio.create_task(poller.watch(wait(str(n)))) for n in range(50)]
    while not jobs.looks or jobs.looks[-1][0] - jobs.looks[0][0] < 1:
        await asyncio.sleep(0.01)
    assert len(jobs.looks) < 40, "those that were under way at once, and then few"
    jobs.error = None
    assert set(await asyncio.gather(*ends)) == {polling.Ended(JobStatus.COMPLETED)}


async def test_retry_after_slows_the_whole_poller(watching):
    jobs = Jobs()
    jobs.error = RateLimited("slow down", retry_after=1.0)
    poller = watching(jobs)
    first = asyncio.create_task(poller.watch(wait("first")))
    while not jobs.looks:
        await asyncio.sleep(0.01)
    jobs.error = None
    jobs.ended = {"first", "second"}
    await asyncio.gather(first, poller.watch(wait("second")))
    assert jobs.looks[1][0] - jobs.looks[0][0] >= 1.0


async def test_a_job_that_is_unknown_ends_its_own_wait_alone(watching):
    class OneUnknown(Jobs):
        async def statuses(self, job_ids):
            if job_ids == ["lost"]:
                raise JobNotFound("lost")
            return await super().statuses(job_ids)

    jobs = OneUnknown()
    jobs.ended = {"kept"}
    poller = watching(jobs)
    lost, kept = await asyncio.gather(poller.watch(wait("lost")), poller.watch(wait("kept")))
    assert isinstance(lost, polling.GaveUp)
    assert isinstance(lost.error, JobNotFound)
    assert kept == polling.Ended(JobStatus.COMPLETED)


async def test_a_deadline_holds_also_while_the_server_is_down(watching):
    jobs = Jobs()
    jobs.error = RateLimited("The server rests.", retry_after=60)
    poller = watching(jobs)
    patient = asyncio.create_task(poller.watch(wait("patient", seconds=90)))
    while not jobs.looks:
        await asyncio.sleep(0.01)
    end = await poller.watch(wait("late", seconds=0.5))
    assert isinstance(end, polling.GaveUp)
    assert isinstance(end.error, JobTimedOut)
    patient.cancel()


async def test_a_wait_that_has_just_begun_is_not_looked_at_at_once(watching):
    jobs = Jobs()
    jobs.ended = {"new", "old"}
    poller = watching(jobs)
    await asyncio.gather(poller.watch(wait("new", age=0)), poller.watch(wait("old")))
    assert [group for _, group in jobs.looks] == [["old"], ["new"]]
    assert jobs.looks[1][0] - jobs.looks[0][0] >= 0.5


async def test_a_fault_of_the_source_reaches_those_who_wait_and_no_others(watching):
    class Faulty(Jobs):
        async def statuses(self, job_ids):
            if job_ids == ["odd"]:
                raise KeyError("a fault")
            return await super().statuses(job_ids)

    jobs = Faulty()
    jobs.ended = {"even"}
    poller = watching(jobs)
    odd, even = await asyncio.gather(poller.watch(wait("odd")), poller.watch(wait("even")), return_exceptions=True)
    assert isinstance(odd, KeyError)
    assert even == polling.Ended(JobStatus.COMPLETED)


class FaultySource(Jobs):
    """A source whose ``group_size`` fails once it is armed, as the poller's clock asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = False

    @property
    def group_size(self):
        if self.armed:
            raise KeyError("a fault")
        return 1

    @group_size.setter
    def group_size(self, size):
        pass


async def test_a_fault_of_the_clock_reaches_all_who_wait_and_the_next_are_watched_again(watching):
    jobs = FaultySource()
    poller = watching(jobs)
    ends = [asyncio.create_task(poller.watch(wait(str(n)))) for n in range(5)]
    while len(jobs.looks) < 5:
        await asyncio.sleep(0.01)
    jobs.armed = True
    async with asyncio.timeout(10):
        found = await asyncio.gather(*ends, return_exceptions=True)
    assert [type(end) for end in found] == [KeyError] * 5
    jobs.armed = False
    jobs.ended = {"later"}
    assert await poller.watch(wait("later")) == polling.Ended(JobStatus.COMPLETED)


@pytest.mark.parametrize("found", [None, 7, ["completed"]])
async def test_a_fault_in_the_step_after_a_request_reaches_those_who_wait(watching, found):
    class Odd(Jobs):
        async def statuses(self, job_ids):
            return found if job_ids == ["odd"] else await super().statuses(job_ids)

    jobs = Odd()
    jobs.ended = {"even"}
    poller = watching(jobs)
    async with asyncio.timeout(10):
        odd, even = await asyncio.gather(poller.watch(wait("odd")), poller.watch(wait("even")), return_exceptions=True)
    assert isinstance(odd, (AttributeError, TypeError))
    assert even == polling.Ended(JobStatus.COMPLETED)


async def test_what_is_not_a_job_id_is_given_up_and_spoils_no_group(watching):
    jobs = Jobs(group_size=8)
    jobs.ended = {"good"}
    poller = watching(jobs)
    bad, good = await asyncio.gather(poller.watch(wait("..")), poller.watch(wait("good")))
    assert isinstance(bad.error, InvalidJobId)
    assert good == polling.Ended(JobStatus.COMPLETED)
    assert jobs.looks[0][1] == ["good"]


async def test_one_that_stops_waiting_is_not_looked_at_any_more(watching):
    jobs = Jobs()
    poller = watching(jobs)
    stopped = asyncio.create_task(poller.watch(wait("stopped")))
    while not jobs.looks:
        await asyncio.sleep(0.01)
    stopped.cancel()
    looks = len(jobs.looks)
    other = asyncio.create_task(poller.watch(wait("other")))
    while len(jobs.looks) < looks + 3:
        await asyncio.sleep(0.01)
    other.cancel()
    assert {job_id for _, job_ids in jobs.looks[looks:] for job_id in job_ids} == {"other"}


async def test_the_log_is_called_in_the_context_of_the_wait(watching):
    """A triggerer finds the log of a trigger by its context."""
    name: ContextVar[str] = ContextVar("name")
    logged: list[tuple[str, str]] = []

    class Log:
        @staticmethod
        def info(form: str, line: str) -> None:
            logged.append((name.get(), form % line))

    async def watch(job_id: str):
        name.set(job_id)
        return await poller.watch(wait(job_id, longest=0.2), Log())

    jobs = Jobs()
    poller = watching(jobs)
    ends = [asyncio.create_task(watch(job_id)) for job_id in ("one", "two")]
    while len(jobs.looks) < 8:
        await asyncio.sleep(0.02)
    jobs.ended = {"one", "two"}
    await asyncio.gather(*ends)
    assert sorted(context for context, _ in logged) == ["one", "two"]  # at most a line in 30 s
    assert all(f"Job {context} is processing; " in line for context, line in logged)
