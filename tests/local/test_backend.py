from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    ConnectionNotUsable,
    DocumentEmpty,
    DocumentNeedsOcr,
    DocumentNotFound,
    DocumentTookTooLong,
    ExtraNotInstalled,
    InvalidCategories,
    InvalidDocumentTypes,
    JobNotFound,
    SentenceModelNotUsable,
)
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.local.backend import LocalBackend
from airflow_provider_classify.local.recorded_backend import default_jobs_url
from airflow_provider_classify.local.settings import LocalSettings
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import answer
from tests.support.documents import write_corrupt_pdf, write_mail_with_invoice, write_pdf, write_picture
from tests.support.scripted_server import Answer, scripted_server
from tests.support.sentence_model import write_sentence_model

CATEGORIES = (Category("invoice"), Category("letter"))


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of jobs of its own, so far without a file."""
    path = tmp_path / "record" / "jobs.db"
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{path}")
    return path


def backend(**settings: Any) -> LocalBackend:
    return LocalBackend(LocalSettings("docs", **settings))


def test_without_a_setting_jobs_are_recorded_under_airflows_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert default_jobs_url() == f"sqlite:///{tmp_path}/classify/jobs.db"
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", "")
    assert default_jobs_url() == f"sqlite:///{tmp_path}/classify/jobs.db"
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", "postgresql://db/classify")
    assert default_jobs_url() == "postgresql://db/classify"


@pytest.mark.usefixtures("record")
def test_a_submit_classifies_and_another_backend_finds_the_job(tmp_path: Path) -> None:
    submission = backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES)
    assert submission.status is JobStatus.COMPLETED
    job = backend().get(submission.job_id)
    assert (job.job_id, job.status, job.error) == (submission.job_id, JobStatus.COMPLETED, None)
    assert answer(job).classification == "invoice"


def test_a_job_is_recorded_where_the_setting_says(record: Path, tmp_path: Path) -> None:
    assert not record.exists()
    backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES)
    assert record.exists()


@pytest.mark.usefixtures("record")
def test_a_url_is_fetched_and_its_signature_not_recorded(record: Path, tmp_path: Path) -> None:
    with scripted_server(Answer(200, write_pdf(tmp_path / "a.pdf").read_bytes())) as server:
        submission = backend().submit(Document(f"{server.url}/a.pdf?sig=s3cret"), CATEGORIES)
    assert answer(backend().get(submission.job_id)).classification == "invoice"
    assert all(b"s3cret" not in file.read_bytes() for file in record.parent.iterdir())


@pytest.mark.usefixtures("record")
def test_a_document_that_cannot_be_read_is_a_failed_job(tmp_path: Path) -> None:
    submission = backend().submit(Document(str(write_corrupt_pdf(tmp_path / "bad.pdf"))), CATEGORIES)
    assert submission.status is JobStatus.FAILED
    job = backend().get(submission.job_id)
    assert (job.status, job.result) == (JobStatus.FAILED, None)
    assert "bad.pdf" in str(job.error)


def test_what_cannot_be_submitted_is_raised_and_not_recorded(record: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    for name, kind in (("none.pdf", DocumentNotFound), ("empty.pdf", DocumentEmpty)):
        with pytest.raises(kind, match=name):
            backend().submit(Document(str(tmp_path / name)), CATEGORIES)
    assert not record.exists()


@pytest.mark.usefixtures("record")
def test_the_time_limit_is_the_connections(tmp_path: Path) -> None:
    submission = backend(document_timeout=0.001).submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES)
    with pytest.raises(DocumentTookTooLong, match=r"a\.pdf"):
        answer(backend().get(submission.job_id))


@pytest.mark.usefixtures("record")
def test_the_number_of_pages_is_the_connections(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("\f".join(["INVOICE"] * 6))
    pages = []
    for settings in ({}, {"max_pages": 6}):
        submission = backend(**settings).submit(Document(str(path)), CATEGORIES)
        pages.append(answer(backend().get(submission.job_id)).total_pages)
    assert pages == [4, 6]
    with backend(max_pages=5).pool() as pool:
        assert pool.classify(path, CATEGORIES, name="long.txt").total_pages == 5


@pytest.mark.usefixtures("record")
def test_ocr_and_attachments_are_the_connections(tmp_path: Path) -> None:
    picture = Document(str(write_picture(tmp_path / "scan.png")))
    submission = backend(ocr="never").submit(picture, CATEGORIES)
    with pytest.raises(DocumentNeedsOcr, match="scan"):
        answer(backend().get(submission.job_id))
    mail = Document(str(write_mail_with_invoice(tmp_path / "mail.eml")))
    submission = backend(attachments="classify").submit(mail, CATEGORIES)
    assert len(answer(backend().get(submission.job_id)).extra["attachments"]) == 1


def test_what_results_depend_on_is_in_the_identity() -> None:
    options: list[dict[str, Any]] = [
        {},
        {"max_pages": 2},
        {"ocr": "never"},
        {"ocr": "always"},
        {"attachments": "classify"},
    ]
    assert len({backend(**option).identity() for option in options}) == len(options)


@pytest.mark.usefixtures("record")
def test_own_document_types_are_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = backend().identity()
    folder = tmp_path / "types"
    monkeypatch.setenv("AIRFLOW__CLASSIFY__DOCUMENT_TYPES", str(folder))
    with pytest.raises(InvalidDocumentTypes, match="types"):
        backend().check()
    folder.mkdir()
    (folder / "own.yaml").write_text("keeper log:\n  description: A log.\n  cues: {en: {decisive: lamp lit}}")
    path = write_pdf(tmp_path / "log.pdf", "Godrevy, lamp lit 19.40\nKeeper of the watch: J. Trevanion")
    submission = backend().submit(Document(str(path)), (*CATEGORIES, Category("keeper log")))
    assert answer(backend().get(submission.job_id)).classification == "keeper log"
    assert backend().identity() != usual


@pytest.mark.usefixtures("record")
def test_the_sentence_model_is_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = backend().identity()
    model = write_sentence_model(tmp_path / "model")
    categories = (*CATEGORIES, Category("zibble"))
    path = write_pdf(tmp_path / "notice.pdf", "Kerra Trevanion, beloved wife and mother, passed away on 3 May.")
    monkeypatch.setenv("AIRFLOW__CLASSIFY__SENTENCE_MODEL", str(model))
    submission = backend().submit(Document(str(path)), categories)
    result = answer(backend().get(submission.job_id))
    assert result.classification == "zibble"
    assert backend().identity() == f"{usual}, sentence model {result.extra['engine']['sentence_model']}"
    with backend().pool() as pool:
        assert pool.classify(path, categories, name="notice.pdf") == result
    backend().check()
    monkeypatch.setenv("AIRFLOW__CLASSIFY__SENTENCE_MODEL", str(tmp_path / "none"))
    with pytest.raises(SentenceModelNotUsable, match="none"):
        backend().check()
    with pytest.raises(SentenceModelNotUsable, match="none"):
        backend().submit(Document(str(path)), categories)


@pytest.mark.usefixtures("record")
def test_an_example_that_is_not_there_is_the_categories_fault(tmp_path: Path) -> None:
    categories = (*CATEGORIES, Category("zeta", examples=(str(tmp_path / "none.pdf"),)))
    with pytest.raises(InvalidCategories, match=r"none\.pdf"):
        backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), categories)


def test_an_unknown_job_is_named() -> None:
    with pytest.raises(JobNotFound, match="no-such-job"):
        backend().get("no-such-job")


@pytest.mark.usefixtures("record")
async def test_an_event_loop_gets_the_same(tmp_path: Path) -> None:
    async with backend().connect() as jobs:
        submission = await jobs.submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES)
        job = await jobs.get(submission.job_id)
        with pytest.raises(JobNotFound):
            await jobs.get("no-such-job")
    assert job == backend().get(submission.job_id)


def test_the_check_opens_the_record(record: Path) -> None:
    assert "local engine" in backend().check()
    assert record.exists()


def test_the_check_of_a_record_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", "no url")
    with pytest.raises(ConnectionNotUsable):
        backend().check()


@pytest.mark.usefixtures("record")
def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    document = Document(str(write_pdf(tmp_path / "a.pdf")))
    for call in (backend().check, lambda: backend().submit(document, CATEGORIES)):
        with pytest.raises(ExtraNotInstalled, match=r"onnxruntime; .*\[local\]"):
            call()


@pytest.mark.usefixtures("record")
def test_a_key_gives_the_job_that_it_has_completed(tmp_path: Path) -> None:
    document = Document(str(write_pdf(tmp_path / "a.pdf")))
    first = backend().submit(document, CATEGORIES, "k")
    again = backend().submit(document, CATEGORIES, "k")
    assert (again.job_id, again.status) == (first.job_id, JobStatus.COMPLETED)
    assert backend().submit(document, CATEGORIES, "another").job_id != first.job_id


@pytest.mark.usefixtures("record")
def test_a_job_that_a_killed_worker_left_behind_is_run_again(tmp_path: Path) -> None:
    store = JobStore(default_jobs_url())
    abandoned = store.add("a.pdf", CATEGORIES, idempotency_key="k").job_id
    store.start(abandoned)
    submission = backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES, "k")
    assert (submission.job_id, submission.status) == (abandoned, JobStatus.COMPLETED)


@pytest.mark.usefixtures("record")
def test_a_key_whose_job_failed_is_no_answer(tmp_path: Path) -> None:
    store = JobStore(default_jobs_url())
    failed = store.add("a.pdf", CATEGORIES, idempotency_key="k").job_id
    store.fail(failed, "The engine was closed.")
    submission = backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES, "k")
    assert submission.status is JobStatus.COMPLETED
    assert submission.job_id != failed


@pytest.mark.usefixtures("record")
async def test_a_job_is_cancelled_for_whoever_waits_for_it() -> None:
    store = JobStore(default_jobs_url())
    left, other = (store.add("a.pdf", CATEGORIES).job_id for _ in range(2))
    cancelled = backend().cancel(left)
    assert cancelled is not None
    assert cancelled.error_kind == "JobCancelled"
    async with backend().connect() as jobs:
        assert await jobs.cancel(other) == store.get(other)
        assert await jobs.cancel("no-such-job") is None


@pytest.mark.usefixtures("record")
def test_the_answer_of_a_key_may_be_that_of_the_job_after_a_failed_one(tmp_path: Path) -> None:
    local, damaged = backend(), Document(str(write_corrupt_pdf(tmp_path / "damaged.pdf")))
    assert local.submit(damaged, CATEGORIES, "key").status is JobStatus.FAILED
    assert not local.has_answer("key")
    whole = Document(str(write_pdf(tmp_path / "whole.pdf")))
    assert local.submit(whole, CATEGORIES, "key").status is JobStatus.COMPLETED
    assert local.has_answer("key")
