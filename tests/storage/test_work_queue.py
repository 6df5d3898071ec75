"""The queue that the processes of a service share, on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import DocumentCorrupt
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import Claim, Waiting
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from tests.support.waiting import wait_until

CATEGORIES = (Category("invoice"),)
RESULT = ClassificationResult(True, "invoice", 0.9, 1, 1, (PageResult(1, True, "invoice", 0.9, raw_result="invoice"),))
SHORT = timedelta(seconds=0.05)

#: Claims and completes jobs until none is left, and prints their ids.
WORKER = """
import sys
from airflow_provider_classify.job_record.job_store import JobStore
from tests.storage.test_work_queue import RESULT
store = JobStore(sys.argv[1])
while claim := store.queue.claim():
    if store.complete_claim(claim, RESULT):
        print(claim.job_id)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., JobStore]]:
    """Return stores on one new database."""
    url = f"sqlite:///{tmp_path / 'jobs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with ExitStack() as stack:

        def open_store(**options: object) -> JobStore:
            store = JobStore(url, **options)
            stack.callback(store.close)
            return store

        open_store.url = url
        yield open_store


def add(store: JobStore, name: str = "a.pdf", document_bytes: int | None = 10, file_url: str | None = None) -> str:
    job = store.add(name, CATEGORIES, for_workers=True, document_bytes=document_bytes, file_url=file_url)
    return job.job_id


def claimed(store: JobStore) -> Claim:
    claim = store.queue.claim()
    assert claim is not None
    return claim


def expired(store: JobStore) -> Claim:
    """Claim a job and let its lease expire."""
    claim = claimed(store)
    time.sleep(2 * store.queue.lease.total_seconds())
    return claim


def test_jobs_are_claimed_once_each_the_oldest_first(open_store):
    store = open_store()
    job_ids = [add(store, f"{number}.pdf") for number in range(3)]
    claims = [claimed(store) for _ in job_ids]
    assert [claim.job_id for claim in claims] == job_ids
    assert store.queue.claim() is None
    assert len({claim.lease for claim in claims}) == 3
    assert store.get(job_ids[0]).status is JobStatus.PROCESSING


def test_processes_share_the_jobs(open_store):
    store = open_store()
    job_ids = [add(store) for _ in range(60)]
    command = [sys.executable, "-c", WORKER, open_store.url]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    done = [job_id for worker in workers for job_id in worker.communicate(timeout=120)[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sorted(done) == sorted(job_ids)
    assert {job.status for job in store.jobs()} == {"completed"}


def test_threads_share_the_jobs(open_store):
    store = open_store()
    job_ids = [add(store) for _ in range(60)]
    done = []

    def work(_):
        while claim := store.queue.claim():
            assert store.complete_claim(claim, RESULT)
            done.append(claim.job_id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sorted(done) == sorted(job_ids)


def test_a_late_result_of_an_expired_lease_is_refused(open_store):
    store = open_store(lease=SHORT)
    job_id = add(store)
    late = expired(store)
    again = claimed(store)
    assert (again.job_id, again.losses) == (job_id, 1)
    assert not store.complete_claim(late, RESULT)
    assert not store.fail_claim(late, "too late")
    assert not store.queue.give_back(late)
    assert not store.queue.store_document(late, 5)
    assert store.get(job_id).status is JobStatus.PROCESSING
    assert store.fail_claim(again, DocumentCorrupt("a.pdf is damaged; send it again."))
    assert not store.complete_claim(again, RESULT)
    assert store.get(job_id).error_kind == "DocumentCorrupt"


def test_a_renewed_lease_does_not_expire(open_store):
    store = open_store(lease=timedelta(seconds=0.5))
    add(store)
    claim = claimed(store)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        assert store.queue.renew([claim]) == []
        assert store.queue.claim() is None
        time.sleep(0.05)
    assert store.complete_claim(claim, RESULT)


def test_a_renewal_tells_which_leases_are_lost(open_store):
    store = open_store(lease=SHORT)
    kept_id, deleted_id, lost_id = (add(store, name) for name in ("a.pdf", "b.pdf", "c.pdf"))
    kept, deleted, lost = claimed(store), claimed(store), claimed(store)
    time.sleep(0.1)
    assert store.queue.renew([kept, deleted]) == []
    store.delete(deleted_id)
    assert claimed(store).job_id == lost_id
    assert store.queue.renew([kept, deleted, lost]) == [deleted, lost]
    assert store.queue.renew([]) == []
    assert kept.job_id == kept_id


def test_a_job_that_is_given_back_is_claimed_again(open_store):
    store = open_store()
    job_id = add(store)
    assert store.queue.give_back(claimed(store))
    assert store.queue.give_back(claimed(store), crashed=True)
    claim = claimed(store)
    assert (claim.job_id, claim.crashes, claim.losses) == (job_id, 1, 0)
    assert store.queue.give_back(claim, after=timedelta(seconds=0.3))
    assert store.queue.claim() is None
    wait_until(store.queue.claim)


def test_a_job_whose_worker_disappeared_can_be_left_to_another_worker(open_store):
    store = open_store(lease=SHORT)
    lost_id = add(store, "lost.pdf")
    expired(store)
    new_id = add(store, "new.pdf")
    claim = store.queue.claim(lost_before=False)
    assert claim is not None
    assert claim.job_id == new_id
    assert store.queue.claim(lost_before=False) is None
    again = claimed(store)
    assert (again.job_id, again.losses) == (lost_id, 1)
    assert store.queue.give_back(again)
    assert store.queue.claim(lost_before=False) is None


def test_a_document_is_fetched_before_it_is_classified(open_store):
    store = open_store()
    job_id = add(store, document_bytes=None, file_url="https://example.org/a.pdf")
    assert store.queue.claim() is None
    claim = store.queue.claim_fetch()
    assert claim is not None
    assert store.queue.claim_fetch() is None
    assert store.get(job_id).status is JobStatus.QUEUED
    assert store.queue.begin(claim)
    assert store.get(job_id).status is JobStatus.PROCESSING
    assert store.queue.store_document(claim, 5)
    assert store.queue.claim_fetch() is None
    assert claimed(store).job_id == job_id


def test_jobs_that_wait_are_counted(open_store):
    store = open_store()
    assert store.queue.waiting() == Waiting(0, 0, 0)
    add(store, document_bytes=100)
    add(store, document_bytes=20)
    add(store, document_bytes=None, file_url="https://example.org/a.pdf")
    store.add("of an Airflow task.pdf", CATEGORIES)
    assert store.queue.waiting() == Waiting(3, 1, 120)
    fetch, running = store.queue.claim_fetch(), claimed(store)
    assert store.queue.waiting() == Waiting(2, 1, 120)
    assert store.complete_claim(running, RESULT)
    assert store.queue.store_document(fetch, 7)
    assert store.queue.waiting() == Waiting(2, 0, 27)


def test_the_jobs_of_airflow_tasks_are_for_no_worker(open_store):
    store = open_store()
    job_id = store.add("a.pdf", CATEGORIES).job_id
    assert store.queue.claim() is None
    assert store.queue.claim_fetch() is None
    store.start(job_id)
    assert store.queue.claim() is None


def test_a_job_that_has_ended_is_claimed_no_more(open_store):
    store = open_store(lease=SHORT)
    cancelled, completed = add(store, "a.pdf"), add(store, "b.pdf")
    store.cancel(cancelled)
    claim = claimed(store)
    assert claim.job_id == completed
    assert store.complete_claim(claim, RESULT)
    time.sleep(0.1)
    assert store.queue.claim() is None
    assert store.has_ended(cancelled)
    assert store.has_ended("no-such-job")


def test_all_leases_can_expire_at_once(open_store):
    store = open_store()
    job_id = add(store)
    late = claimed(store)
    assert store.queue.claim() is None
    store.queue.expire_leases()
    assert claimed(store).job_id == job_id
    assert not store.complete_claim(late, RESULT)


def test_processes_bring_a_database_up_to_date_at_the_same_time(open_store):
    command = [sys.executable, "-c", WORKER, open_store.url]
    workers = [subprocess.Popen(command) for _ in range(4)]
    assert [worker.wait(120) for worker in workers] == [0] * 4


def test_texts_that_a_database_cannot_store_do_not_lose_the_end_of_a_job(open_store):
    store = open_store()
    job_id = add(store, "Straße 請求書.pdf")
    assert store.fail_claim(claimed(store), "The page has \0 in it; send it again.")
    assert store.get(job_id).error == "The page has \N{REPLACEMENT CHARACTER} in it; send it again."
