"""What a running service deletes: jobs that are not kept any more, and documents without a job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.service.cleaner import Cleaner
from airflow_provider_classify.service.upload_folder import UploadFolder
from tests.support.waiting import wait_until

CATEGORIES = (Category("invoice"),)


@pytest.fixture
def documents(tmp_path: Path) -> UploadFolder:
    return UploadFolder(tmp_path / "documents", 1000, min_free_bytes=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")
    yield store
    store.close()


def put(documents: UploadFolder, job_id: str) -> str:
    upload = documents.create(job_id)
    upload.write(b"document")
    upload.commit()
    return job_id


def test_documents_without_an_unfinished_job_are_deleted_in_the_second_run(
    store: JobStore, documents: UploadFolder
) -> None:
    waiting = put(documents, store.add("a.pdf", CATEGORIES, for_workers=True, document_bytes=8).job_id)
    ended = put(documents, store.add("b.pdf", CATEGORIES, for_workers=True, document_bytes=8).job_id)
    store.cancel(ended)
    unknown = put(documents, "5b3c")
    arriving = documents.create("7d2e")
    cleaner = Cleaner(store, documents)
    cleaner.clean()
    assert documents.job_ids() == {waiting, ended, unknown}
    late = put(documents, "9f4a")
    cleaner.clean()
    assert documents.job_ids() == {waiting, late}
    arriving.commit()
    assert documents.job_ids() == {waiting, late, "7d2e"}


def test_jobs_that_are_not_kept_any_more_are_deleted(tmp_path: Path, store: JobStore, documents: UploadFolder) -> None:
    jobs = [store.add(f"{number}.pdf", CATEGORIES).job_id for number in range(5)]
    for job_id in jobs[:4]:
        store.cancel(job_id)
    expiring = JobStore(f"sqlite:///{tmp_path / 'jobs.db'}", keep_finished=timedelta(0), pruned_per_add=3)
    Cleaner(expiring, documents).clean()
    assert [job.job_id for job in store.jobs()] == jobs[4:]
    expiring.close()


def test_it_runs_by_itself_and_survives_an_error(
    store: JobStore, documents: UploadFolder, caplog: pytest.LogCaptureFixture
) -> None:
    put(documents, "5b3c")
    folder, aside = documents.folder, documents.folder.with_name("aside")
    folder.rename(aside)
    cleaner = Cleaner(store, documents, seconds=0.01)
    cleaner.start()
    wait_until(lambda: "this is tried again" in caplog.text)
    aside.rename(folder)
    wait_until(lambda: documents.job_ids() == set())
    cleaner.stop()
