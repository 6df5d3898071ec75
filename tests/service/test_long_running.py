"""The threads of the service go on after an error that nobody expected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import Claim
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.service.cleaner import Cleaner
from airflow_provider_classify.service.leases import Leases
from airflow_provider_classify.service.upload_folder import UploadFolder
from airflow_provider_classify.service.webhook_signature import new_webhook_secret
from airflow_provider_classify.service.webhook_store import WebhookStore
from tests.support.app_server import app_server
from tests.support.record import change_record
from tests.support.scripted_server import Answer, scripted_server
from tests.support.waiting import wait_until

CATEGORIES = (Category("invoice"),)
#: SQLite stores this text in a column of numbers, and the code that counts with it raises an error of Python.
DAMAGED = "many"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.db'}", lease=timedelta(seconds=0.2))
    yield store
    store.close()


@pytest.mark.parametrize("to_fetch", [True, False], ids=["to fetch", "to classify"])
def test_jobs_are_claimed_after_an_error(
    tmp_path: Path, store: JobStore, caplog: pytest.LogCaptureFixture, to_fetch: bool
) -> None:
    with scripted_server(Answer(200, b"%PDF-1.7")) as files:
        url = f"{files.url}/a.pdf" if to_fetch else None
        job_id = store.add("a.pdf", CATEGORIES, for_workers=True, file_url=url).job_id
        change_record(tmp_path / "jobs.db", "UPDATE {table} SET losses = ?", DAMAGED)
        with app_server(tmp_path, threads=1) as server:
            wait_until(lambda: "TypeError" in caplog.text)
            change_record(tmp_path / "jobs.db", "UPDATE {table} SET losses = 0")
            # A job without document and URL is claimed for its classification, and fails.
            assert server.ended(job_id).status is (JobStatus.COMPLETED if to_fetch else JobStatus.FAILED)


def test_webhooks_are_sent_after_an_error(tmp_path: Path, store: JobStore, caplog: pytest.LogCaptureFixture) -> None:
    job_id = store.add("a.pdf", CATEGORIES).job_id
    store.fail(job_id, "The document is damaged.")
    with scripted_server(Answer(204)) as receiver:
        WebhookStore(store).add(job_id, "", receiver.url)
        change_record(tmp_path / "jobs.db", "UPDATE classify_webhooks SET attempts = ?", DAMAGED)
        with app_server(tmp_path, webhook_secret=new_webhook_secret()):
            wait_until(lambda: "TypeError" in caplog.text)
            change_record(tmp_path / "jobs.db", "UPDATE classify_webhooks SET attempts = 0")
            wait_until(lambda: receiver.requests)


def test_leases_are_renewed_after_an_error(store: JobStore) -> None:
    lost: list[Claim] = []

    def report(claim: Claim) -> None:
        lost.append(claim)
        raise ZeroDivisionError("a bug")

    job_id = store.add("a.pdf", CATEGORIES, for_workers=True, document_bytes=8).job_id
    leases = Leases(store.queue, report)
    claim = store.queue.claim()
    assert claim is not None
    with leases.held(claim):
        leases.start()
        store.cancel(job_id)
        wait_until(lambda: len(lost) >= 2)
    leases.stop()
    assert set(lost) == {claim}


class FailsOnce(UploadFolder):
    """A folder whose first list of documents raises an error that it does not document."""

    has_failed = False

    def job_ids(self) -> set[str]:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError("a bug")
        return super().job_ids()


def test_the_cleaner_runs_again_after_an_error(tmp_path: Path, store: JobStore) -> None:
    documents = FailsOnce(tmp_path / "documents", 1000, min_free_bytes=0)
    documents.create("5b3c").commit()
    cleaner = Cleaner(store, documents, seconds=0.01)
    cleaner.start()
    wait_until(lambda: documents.has_failed and documents.job_ids() == set())
    cleaner.stop()
