from __future__ import annotations

import multiprocessing
import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from airflow_provider_classify.exceptions import (
    ConnectionNotUsable,
    DocumentEncrypted,
    ExtraNotInstalled,
    IdempotencyKeyReused,
    JobNotFound,
    JobRecordDamaged,
    JobRecordUnavailable,
)
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import JobRequest, RecordedJob
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus, Progress
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from tests.support.record import change_record

CATEGORIES = (Category("invoice"), Category("Vertrag", "ein Übereinkommen"))
RESULT = ClassificationResult(
    success=True,
    classification="Vertrag",
    confidence=0.75,
    total_pages=2,
    processed_pages=2,
    page_results=(
        PageResult(1, True, "Vertrag", 0.75, raw_result="Vertrag"),
        PageResult(2, False, None, 0.0, error="The page is damaged."),
    ),
    extra={"scores": {"invoice": 0.25, "Vertrag": 0.75}},
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'jobs.db'}"


@pytest.fixture
def store(url: str) -> JobStore:
    return JobStore(url)


def test_a_new_job_is_queued_and_knows_its_request(store: JobStore) -> None:
    job = store.add("scan.pdf", CATEGORIES, file_url="https://example.org/scan.pdf?sig=1")
    assert str(uuid.UUID(job.job_id)) == job.job_id
    assert store.get(job.job_id) == job
    assert (job.status, job.progress, job.error, job.result) == (JobStatus.QUEUED, Progress.STARTING, None, None)
    request = store.request(job.job_id)
    url = "https://example.org/scan.pdf?sig=1"
    assert request == JobRequest("scan.pdf", CATEGORIES, url)
    assert abs(request.created_at - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)


def test_a_job_completes_with_its_whole_result(store: JobStore) -> None:
    job_id = store.add("scan.pdf", CATEGORIES).job_id
    store.start(job_id)
    assert store.get(job_id).status is JobStatus.PROCESSING
    store.complete(job_id, RESULT)
    job = store.get(job_id)
    assert (job.status, job.progress, job.error) == (JobStatus.COMPLETED, Progress.COMPLETED, None)
    assert job.result == RESULT


def test_a_failure_keeps_its_sentence_and_kind(store: JobStore) -> None:
    job_id = store.add("secret.pdf", CATEGORIES).job_id
    store.fail(job_id, DocumentEncrypted("secret.pdf asks for a password."))
    job = store.get(job_id)
    assert (job.status, job.progress, job.result) == (JobStatus.FAILED, Progress.FAILED, None)
    assert (job.error, job.error_kind) == ("secret.pdf asks for a password.", "DocumentEncrypted")


def test_a_failure_may_be_text_alone(store: JobStore) -> None:
    job_id = store.add("a.pdf", CATEGORIES).job_id
    store.fail(job_id, "No reason is known.")
    assert (store.get(job_id).error, store.get(job_id).error_kind) == ("No reason is known.", None)


def test_the_first_end_counts(store: JobStore) -> None:
    job_id = store.add("a.pdf", CATEGORIES).job_id
    store.complete(job_id, RESULT)
    store.fail(job_id, "too late")
    store.start(job_id)
    assert store.get(job_id).status is JobStatus.COMPLETED
    assert store.get(job_id).error is None


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_a_finished_job_forgets_the_url_which_may_be_signed(store: JobStore, url: str, end: str) -> None:
    job_id = store.add("a.pdf", CATEGORIES, file_url="https://example.org/a?signature=abcdef").job_id
    store.complete(job_id, RESULT) if end == "complete" else store.fail(job_id, "gone")
    assert store.request(job_id).file_url is None


def test_unfinished_jobs_are_listed_the_oldest_first(store: JobStore) -> None:
    queued, processing, completed, failed = (store.add(f"{i}.pdf", CATEGORIES).job_id for i in range(4))
    store.start(processing)
    store.complete(completed, RESULT)
    store.fail(failed, "broken")
    assert store.unfinished() == [queued, processing]


@pytest.mark.parametrize("call", ["get", "request", "start"])
def test_an_unknown_job_is_not_found(store: JobStore, call: str) -> None:
    with pytest.raises(JobNotFound, match="'nobody'"):
        getattr(store, call)("nobody")


def test_an_unknown_job_cannot_end(store: JobStore) -> None:
    with pytest.raises(JobNotFound):
        store.complete("nobody", RESULT)
    with pytest.raises(JobNotFound):
        store.fail("nobody", "broken")


def test_a_cancelled_job_has_failed_and_stays_so(store: JobStore) -> None:
    job_id = store.add("scan.pdf", CATEGORIES).job_id
    store.start(job_id)
    store.cancel(job_id)
    store.complete(job_id, RESULT)
    job = store.get(job_id)
    assert (job.status, job.error_kind, job.result) == (JobStatus.FAILED, "JobCancelled", None)
    assert job_id in str(job.error)


def test_a_job_that_has_ended_cannot_be_cancelled(store: JobStore) -> None:
    job_id = store.add("scan.pdf", CATEGORIES).job_id
    store.complete(job_id, RESULT)
    store.cancel(job_id)
    assert store.get(job_id).result == RESULT
    with pytest.raises(JobNotFound):
        store.cancel("no-such-job")


def test_an_idempotency_key_names_one_job_for_ever(store: JobStore) -> None:
    first = store.add("a.pdf", CATEGORIES, idempotency_key="k1")
    store.complete(first.job_id, RESULT)
    again = store.add("a.pdf", CATEGORIES, idempotency_key="k1")
    assert again == store.get(first.job_id)
    assert store.find("k1") == again
    assert store.find("k2") is None
    assert store.add("a.pdf", CATEGORIES, idempotency_key="k2").job_id != first.job_id


def test_threads_with_one_idempotency_key_get_one_job(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: store.add("a.pdf", CATEGORIES, idempotency_key="same").job_id, range(24)))
    assert len(set(added)) == 1
    assert store.unfinished() == added[:1]


def test_a_given_job_id_is_used_once(store: JobStore) -> None:
    job_id = str(uuid.uuid4())
    assert store.add("a.pdf", CATEGORIES, job_id=job_id).job_id == job_id
    with pytest.raises(Exception, match="UNIQUE"):
        store.add("b.pdf", CATEGORIES, job_id=job_id)
    assert store.request(job_id).document == "a.pdf"


def test_expired_jobs_are_pruned_in_bites_and_unfinished_ones_stay(
    url: str,
) -> None:
    store = JobStore(url)
    waiting = store.add("waiting.pdf", CATEGORIES).job_id
    old = [store.add(f"{i}.pdf", CATEGORIES).job_id for i in range(3)]
    for job_id in old:
        store.complete(job_id, RESULT)
    store = JobStore(url, keep_finished=timedelta(0), pruned_per_add=2)

    def left() -> list[str]:
        return [job.job_id for job in store.jobs() if job.job_id in old]

    store.add("new.pdf", CATEGORIES)
    assert len(left()) == 1
    store.add("newer.pdf", CATEGORIES)
    assert left() == []
    assert waiting in store.unfinished()


def test_a_job_that_is_not_kept_any_more_is_not_found_before_it_is_pruned(url: str) -> None:
    kept, expiring = JobStore(url), JobStore(url, keep_finished=timedelta(0), pruned_per_add=0)
    job_id = kept.add("a.pdf", CATEGORIES, idempotency_key="k").job_id
    kept.complete(job_id, RESULT)
    with pytest.raises(JobNotFound, match="expired"):
        expiring.get(job_id)
    with pytest.raises(JobNotFound):
        expiring.request(job_id)
    assert expiring.statuses([job_id]).not_found == (job_id,)
    assert expiring.find("k") is None
    assert kept.get(job_id).result == RESULT


def test_an_idempotency_key_is_free_when_its_job_is_not_kept_any_more(url: str) -> None:
    first = JobStore(url).add("a.pdf", CATEGORIES, idempotency_key="k")
    JobStore(url).complete(first.job_id, RESULT)
    many = [JobStore(url).add(f"{i}.pdf", CATEGORIES).job_id for i in range(2)]
    for job_id in many:
        JobStore(url).complete(job_id, RESULT)
    expiring = JobStore(url, keep_finished=timedelta(0), pruned_per_add=1)
    assert expiring.add("a.pdf", CATEGORIES, idempotency_key="k").job_id != first.job_id


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_deleted_job_leaves_nothing_in_the_file(store: JobStore, tmp_path: Path, has_ended: bool) -> None:
    job_id = store.add("payroll.pdf", CATEGORIES, idempotency_key="k").job_id
    if has_ended:
        store.complete(job_id, RESULT)
    store.delete(job_id)
    if has_ended:
        with pytest.raises(JobNotFound):
            store.get(job_id)
        with pytest.raises(JobNotFound):
            store.delete(job_id)
        assert store.jobs() == []
    store.close()
    for file in (tmp_path / "deep").iterdir():
        assert b"payroll" not in file.read_bytes()
        assert b"Vertrag" not in file.read_bytes()


def test_an_unfinished_job_that_is_deleted_is_cancelled_and_leaves_no_content(store: JobStore) -> None:
    job_id = store.add("payroll.pdf", CATEGORIES, file_url="https://example.org/a?signature=1").job_id
    assert store.delete(job_id).error_kind == "JobCancelled"
    assert store.get(job_id).error_kind == "JobCancelled"
    with pytest.raises(JobRecordDamaged):
        store.request(job_id)
    assert store.delete(job_id).error_kind == "JobCancelled"
    with pytest.raises(JobNotFound):
        store.get(job_id)


def test_recent_jobs_are_not_pruned(store: JobStore) -> None:
    job_id = store.add("a.pdf", CATEGORIES).job_id
    store.complete(job_id, RESULT)
    store.add("b.pdf", CATEGORIES)
    assert store.get(job_id).result == RESULT


def test_another_store_on_the_same_database_sees_the_jobs(store: JobStore, url: str) -> None:
    job_id = store.add("a.pdf", CATEGORIES).job_id
    store.complete(job_id, RESULT)
    store.close()
    assert JobStore(url).get(job_id).result == RESULT


def test_threads_share_a_store(store: JobStore) -> None:
    def whole_job(number: int) -> JobStatus:
        job_id = store.add(f"{number}.pdf", CATEGORIES).job_id
        store.start(job_id)
        store.complete(job_id, RESULT)
        return store.get(job_id).status

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(whole_job, range(120))) == {JobStatus.COMPLETED}
    assert store.unfinished() == []


def _add_in_process(url: str, count: int) -> None:
    store = JobStore(url)
    threads = [
        threading.Thread(
            target=lambda: [store.complete(store.add("a.pdf", CATEGORIES).job_id, RESULT) for _ in range(count)]
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_processes_make_and_share_one_sqlite_file(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_in_process, args=(url, 10)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert [job.status for job in JobStore(url).jobs()] == ["completed"] * 80


def test_sqlite_waits_for_another_writer(store: JobStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "deep" / "jobs.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(store.add, "a.pdf", CATEGORIES)
        readable = store.unfinished()
        other.execute("COMMIT")
        added = adding.result()
    other.close()
    assert readable == []
    assert store.unfinished() == [added.job_id]


def test_a_locked_database_is_a_retryable_error(url: str, tmp_path: Path) -> None:
    store = JobStore(url, sqlite_wait=0)
    other = sqlite3.connect(tmp_path / "deep" / "jobs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JobRecordUnavailable, match=r"jobs\.db could not be read or written") as raised:
        store.add("a.pdf", CATEGORIES)
    other.close()
    assert raised.value.retryable
    assert raised.value.__cause__ is not None


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"not a database" * 100)
    with pytest.raises(JobRecordUnavailable, match=r"jobs\.db"):
        JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")


@pytest.mark.parametrize("url", ["user:hunter2@host", "oracel://user:hunter2@host/db"])
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ConnectionNotUsable) as raised:
        JobStore(url)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectionNotUsable, match="file/deep"):
        JobStore(f"sqlite:///{tmp_path / 'file' / 'deep' / 'jobs.db'}")


def test_a_missing_driver_is_named() -> None:
    with pytest.raises(ExtraNotInstalled, match="pymssql"):
        JobStore("mssql+pymssql://user:hunter2@host/db")


def test_a_key_is_for_one_fingerprint(store: JobStore) -> None:
    first = store.add("a.pdf", CATEGORIES, idempotency_key="k", fingerprint="f1")
    assert store.add("a.pdf", CATEGORIES, idempotency_key="k", fingerprint="f1") == first
    assert store.find("k", "f1") == store.find("k") == first
    with pytest.raises(IdempotencyKeyReused, match=first.job_id):
        store.add("b.pdf", CATEGORIES, idempotency_key="k", fingerprint="f2")
    with pytest.raises(IdempotencyKeyReused):
        store.find("k", "f2")


def test_all_jobs_are_listed_the_oldest_first(store: JobStore) -> None:
    first = store.add("a.pdf", CATEGORIES, idempotency_key="k").job_id
    second = store.add("b.pdf", CATEGORIES).job_id
    store.cancel(first)
    assert store.jobs() == [
        RecordedJob(first, "failed", "JobCancelled", "k"),
        RecordedJob(second, "queued", None, None),
    ]


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        ("result", "{half"),
        ("result", "[]"),
        ("result", b"\xff\xfe"),
        ("status", "strange"),
        ("created_at", "yesterday"),
    ],
)
def test_a_damaged_row_is_an_error_of_its_job_alone(tmp_path: Path, column: str, damage: object) -> None:
    path = tmp_path / "jobs.db"
    store = JobStore(f"sqlite:///{path}")
    sound, damaged = (store.add(f"{i}.pdf", CATEGORIES).job_id for i in range(2))
    for job_id in (sound, damaged):
        store.complete(job_id, RESULT)
    change_record(path, f"UPDATE {{table}} SET {column} = ? WHERE job_id = ?", damage, damaged)
    assert store.get(sound).result == RESULT
    assert set(store.statuses([sound, damaged]).by_id) == {sound, damaged}
    assert len(store.jobs()) == 2
    assert store.unfinished() == []
    if column != "created_at":
        job = store.get(damaged)
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "JobRecordDamaged")
        assert damaged in str(job.error)


@pytest.mark.parametrize("damage", ["{half", "[]", "7", b"\xff\xfe", '[{"name": 3}]'])
def test_a_damaged_request_is_named(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "jobs.db"
    store = JobStore(f"sqlite:///{path}")
    job_id = store.add("a.pdf", CATEGORIES).job_id
    change_record(path, "UPDATE {table} SET categories = ? WHERE job_id = ?", damage, job_id)
    with pytest.raises(JobRecordDamaged, match=job_id):
        store.request(job_id)


def test_queries_for_any_number_of_jobs_have_few_forms(url: str) -> None:
    store = JobStore(url)
    job_ids = [store.add("a.pdf", CATEGORIES).job_id for _ in range(9)]
    statements: set[str] = set()

    def keep(_: object, __: object, statement: str, *___: object) -> None:
        statements.add(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        for count in range(1, 10):
            assert set(store.rows(job_ids[:count])) == set(job_ids[:count])
            assert set(store.statuses(job_ids[:count]).by_id) == set(job_ids[:count])
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
    assert len(statements) == 2 * len({1, 2, 4, 8, 16})
