"""How requests for the status of jobs share queries, and what they get when the record fails."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection
from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import JobRecordUnavailable
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import ShownRow
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.status_reads import StatusReads, reply_body


class WatchedStore(JobStore):
    """A record whose queries wait for the test, which sees what each of them asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.queries: list[set[str]] = []
        self.gate = threading.Semaphore(0)
        self.fails = False

    def rows(self, job_ids: Collection[str]) -> dict[str, ShownRow]:
        self.queries.append(set(job_ids))
        self.gate.acquire()
        if self.fails:
            raise JobRecordUnavailable("The record cannot be read.")
        return super().rows(job_ids)


@pytest.fixture
def store(tmp_path: Path) -> WatchedStore:
    return WatchedStore(f"sqlite:///{tmp_path / 'jobs.db'}")


def add(store: JobStore) -> str:
    return store.add("a.pdf", (Category("invoice"),)).job_id


async def started(*calls: object) -> list[asyncio.Task[ShownRow | None]]:
    tasks = [asyncio.ensure_future(call) for call in calls]  # type: ignore[call-overload]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_requests_that_arrive_during_a_query_share_the_next(store: WatchedStore) -> None:
    first, second = add(store), add(store)
    reads = StatusReads(store)
    early = await started(reads.row(first))
    while not store.queries:
        await asyncio.sleep(0.001)
    store.start(first)
    late = await started(reads.row(first), reads.row(second), reads.row(second), reads.row("gone"))
    store.gate.release(2)
    await asyncio.gather(*early, *late)
    assert store.queries == [{first}, {first, second, "gone"}]
    # A request never gets what was read before it arrived.
    rows = [task.result() for task in late]
    assert [row and row.status for row in rows] == ["processing", "queued", "queued", None]
    store.gate.release()
    assert (await reads.row(second)) is not None


async def test_many_jobs_are_read_in_several_queries(store: WatchedStore) -> None:
    reads = StatusReads(store)
    store.gate.release(100)
    found = await asyncio.gather(*(reads.row(str(number)) for number in range(1200)))
    assert found == [None] * 1200
    assert max(map(len, store.queries)) <= 500


async def test_each_request_gets_the_error_and_the_next_reads_again(store: WatchedStore) -> None:
    job_id = add(store)
    reads = StatusReads(store)
    store.gate.release(10)
    store.fails = True
    outcomes = await asyncio.gather(reads.row(job_id), reads.row("gone"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [JobRecordUnavailable] * 2
    store.fails = False
    assert (await reads.row(job_id)) is not None


async def test_a_cancelled_request_does_not_disturb_the_others(store: WatchedStore) -> None:
    job_id = add(store)
    reads = StatusReads(store)
    gone, waiting = await started(reads.row(job_id), reads.row(job_id))
    gone.cancel()
    store.gate.release()
    assert (await waiting) is not None
    assert gone.cancelled()


def test_the_reply_is_that_of_the_contract(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")
    job_id = add(store)
    assert json.loads(reply_body(store.rows([job_id])[job_id])) == store.get(job_id).to_json()
    for scores in (1, 3000):  # the larger reply is not kept
        job_id = add(store)
        result = ClassificationResult(
            True, "in—voice", 0.5, 1, 1, extra={"scores": {f"é{n}": 0.1 for n in range(scores)}}
        )
        store.complete(job_id, result)
        assert json.loads(reply_body(store.rows([job_id])[job_id])) == store.get(job_id).to_json()
