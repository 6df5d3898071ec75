"""The hook with real Airflow connections, from the environment."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airflow
import pytest

from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    ClassifyError,
    ConnectionNotUsable,
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentNotFound,
    InvalidCategories,
    InvalidJobId,
    JobNotFound,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.local.backend import LocalBackend
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import Wait, answer
from tests.support.documents import write_corrupt_pdf, write_pdf
from tests.support.hook_replies import DONE, PROCESSING
from tests.support.scripted_server import Answer, scripted_server
from tests.support.service import KEY, RunningService

pytestmark = pytest.mark.usefixtures("_own_record")
CATEGORIES = ["invoice", {"name": "letter", "description": "a letter to a person"}]


async def connected(hook: ClassifyHook) -> object:
    async with hook.connect() as jobs:
        return jobs


def refusals(conn_id: str) -> list[ConnectionNotUsable]:
    """The error of the synchronous and of the asynchronous side, which must agree."""
    errors = []
    for call in (lambda: ClassifyHook(conn_id).backend, lambda: asyncio.run(connected(ClassifyHook(conn_id)))):
        with pytest.raises(ConnectionNotUsable) as raised:
            call()
        assert KEY not in "".join(traceback.format_exception(raised.value))
        errors.append(raised.value)
    assert str(errors[0]) == str(errors[1])
    assert f"'{conn_id}'" in str(errors[0])
    assert ClassifyHook(conn_id).test_connection() == (False, str(errors[0]))
    return errors


@pytest.mark.parametrize("side", ["sync", "async"])
def test_without_any_connection_the_local_engine_serves_and_the_log_says_so(side: str, log: Callable[[], str]) -> None:
    if side == "sync":
        assert isinstance(ClassifyHook().backend, LocalBackend)
    else:
        asyncio.run(connected(ClassifyHook()))
    logged = log()
    assert "The connection 'classify_default' is not defined, so the local engine classifies." in logged


def test_the_default_connection_counts_where_it_is_defined(connection: Callable[..., None]) -> None:
    connection("classify_default", host="https://api.example.com", password=KEY)
    assert isinstance(ClassifyHook().backend, ApiBackend)


def test_an_id_that_was_given_has_to_exist() -> None:
    assert "not defined" in str(refusals("nowhere")[0])


def test_a_connection_names_its_backend(connection: Callable[..., None]) -> None:
    connection("hosted", host="https://api.example.com", password=KEY)
    connection("own", extra={"backend": "local"})
    assert isinstance(ClassifyHook("hosted").backend, ApiBackend)
    assert isinstance(ClassifyHook("own").get_conn(), LocalBackend)


reads_any_extra = pytest.mark.skipif(
    airflow.__version__.startswith(("3.0.", "3.1.")),
    reason="Airflow 3.0 and 3.1 do not find a connection with such an extra.",
)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"conn_type": "http", "host": "https://api.example.com"}, "'http'"),
        ({"extra": {"backend": "remote"}}, "'remote'"),
        ({}, "backend"),
        ({"extra": {"backend": "api"}}, "no host"),
        ({"host": "ftp://api.example.com"}, "http"),
        ({"host": "https://api.example.com", "extra": {"request_timeout": "soon"}}, "'soon'"),
        ({"extra": {"backend": "local", "document_timeout": 0}}, "document_timeout"),
        pytest.param({"host": "https://api.example.com", "extra": ["api"]}, "extra", marks=reads_any_extra),
        pytest.param({"host": "https://api.example.com", "extra": '["api"]'}, "extra", marks=reads_any_extra),
        ({"host": "https://api.example.com", "password": f"{KEY}\nX: 1"}, "key"),
        ({"host": "https://api.example.com", "password": f"{KEY}–é"}, "key"),
    ],
)
def test_a_connection_that_cannot_be_used(connection: Callable[..., None], fields: dict[str, Any], words: str) -> None:
    connection(**fields)
    assert words in str(refusals("docs")[0])


def test_the_local_engine_answers_and_another_hook_finds_the_job(tmp_path: Path) -> None:
    submission = ClassifyHook().submit(str(write_pdf(tmp_path / "a.pdf")), CATEGORIES)
    assert submission.status is JobStatus.COMPLETED
    job = ClassifyHook().get(submission.job_id)
    assert answer(job).classification == "invoice"
    assert asyncio.run(ClassifyHook().aget(submission.job_id)) == job


def test_categories_may_be_json_text(tmp_path: Path) -> None:
    submission = ClassifyHook().submit(str(write_pdf(tmp_path / "a.pdf")), json.dumps(CATEGORIES))
    assert answer(ClassifyHook().get(submission.job_id)).extra["scores"].keys() == {"invoice", "letter"}


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (write_corrupt_pdf, DocumentCorrupt),
        (lambda path: write_pdf(path, password="open sesame"), DocumentEncrypted),
    ],
)
@pytest.mark.parametrize("side", ["sync", "async"])
def test_a_document_that_cannot_be_read_is_a_failed_job_that_tells_why(
    tmp_path: Path, write: Callable[[Path], Path], kind: type[ClassifyError], side: str
) -> None:
    document = str(write(tmp_path / "bad.pdf"))
    hook = ClassifyHook()
    submission = (
        hook.submit(document, CATEGORIES) if side == "sync" else asyncio.run(hook.asubmit(document, CATEGORIES))
    )
    assert submission.status is JobStatus.FAILED
    job = ClassifyHook().get(submission.job_id)
    assert job.status is JobStatus.FAILED
    with pytest.raises(ClassifyError, match=r"bad\.pdf") as raised:
        answer(job, document)
    assert raised.type is kind


@pytest.mark.parametrize("side", ["sync", "async"])
def test_what_cannot_be_submitted_is_raised(tmp_path: Path, side: str) -> None:
    def submit(document: str, categories: object) -> None:
        if side == "sync":
            ClassifyHook().submit(document, categories)
        else:
            asyncio.run(ClassifyHook().asubmit(document, categories))

    (tmp_path / "empty.pdf").touch()
    pdf = str(write_pdf(tmp_path / "a.pdf"))
    for document, categories, kind in (
        (str(tmp_path / "none.pdf"), CATEGORIES, DocumentNotFound),
        (str(tmp_path / "empty.pdf"), CATEGORIES, DocumentEmpty),
        (pdf, [], InvalidCategories),
        (pdf, "invoice", InvalidCategories),
    ):
        with pytest.raises(ClassifyError) as raised:
            submit(document, categories)
        assert raised.type is kind


def test_an_unknown_job_of_the_local_engine() -> None:
    for call in (lambda: ClassifyHook().get("8a1c"), lambda: asyncio.run(ClassifyHook().aget("8a1c"))):
        with pytest.raises(JobNotFound, match="8a1c"):
            call()


@pytest.mark.parametrize("side", ["sync", "async"])
def test_an_api_answers(
    connection: Callable[..., None],
    service: RunningService,
    tmp_path: Path,
    side: str,
    log: Callable[[], str],
) -> None:
    connection(host=service.url, password=KEY)
    hook, document = ClassifyHook("docs"), str(write_pdf(tmp_path / "a.pdf"))
    submission = (
        hook.submit(document, CATEGORIES) if side == "sync" else asyncio.run(hook.asubmit(document, CATEGORIES))
    )
    now = time.time()
    job = hook.wait(Wait(submission.job_id, since=now, deadline=now + 60))
    assert answer(job).classification == "invoice"
    logged = log()
    assert f"Submitted {document} as job {submission.job_id}" in logged
    assert KEY not in logged


@pytest.mark.parametrize("side", ["sync", "async"])
def test_a_wrong_key(connection: Callable[..., None], service: RunningService, side: str) -> None:
    connection(host=service.url, password="another-key")
    call = (lambda: ClassifyHook("docs").get("8a1c")) if side == "sync" else None
    with pytest.raises(AuthenticationRejected, match="'docs'") as raised:
        call() if call else asyncio.run(ClassifyHook("docs").aget("8a1c"))
    assert "another-key" not in "".join(traceback.format_exception(raised.value))


def test_the_quota_and_no_signature_is_logged(connection: Callable[..., None], log: Callable[[], str]) -> None:
    accepted = Answer(202, {"job_id": "8a1c", "status": "queued", "quota_remaining": 450})
    with scripted_server(accepted) as server:
        connection(host=server.url, password=KEY)
        ClassifyHook("docs").submit("https://user:s3cret@x.org/a.pdf?sig=s3cret", CATEGORIES)
    logged = log()
    assert "Submitted https://x.org/a.pdf as job 8a1c (queued, 450 left of the quota)." in logged
    assert "s3cret" not in logged


def test_the_local_engine_logs_the_end_of_a_job_and_not_a_submit(tmp_path: Path, log: Callable[[], str]) -> None:
    for path in (write_pdf(tmp_path / "a.pdf"), write_corrupt_pdf(tmp_path / "b.pdf")):
        ClassifyHook().submit(str(path), CATEGORIES)
    logged = log()
    assert "a.pdf has ended (completed)." in logged
    assert "b.pdf has ended (failed)." in logged
    assert "Submitted" not in logged


@pytest.mark.parametrize("job_id", ["..", "../health", "", "\ud800"])
def test_what_is_not_a_job_id_is_refused_by_every_call(connection: Callable[..., None], job_id: str) -> None:
    now = time.time()
    with scripted_server(PROCESSING) as server:
        connection(host=server.url)
        connection("own", extra={"backend": "local"})
        for hook in (ClassifyHook("docs"), ClassifyHook("own")):
            for call in (hook.get, hook.cancel, hook.fetch, hook.look):
                with pytest.raises(InvalidJobId):
                    call(job_id)
            with pytest.raises(InvalidJobId):
                asyncio.run(hook.aget(job_id))
            with pytest.raises(InvalidJobId):
                hook.wait(Wait(job_id, since=now, deadline=now + 60))
    assert server.requests == []


def test_a_hook_closes_its_connections(connection: Callable[..., None]) -> None:
    with scripted_server(PROCESSING) as server:
        connection(host=server.url)
        with ClassifyHook("docs") as hook:
            hook.get("8a1c")
            hook.get("8a1c")
        assert server.connections == 1
        with ClassifyHook("docs"):
            pass  # one that was not used has none to close


def test_a_cancel_says_what_became_of_the_job(connection: Callable[..., None], log: Callable[[], str]) -> None:
    cancelled = {"job_id": "8a1c", "status": "failed", "error": "The job was cancelled.", "error_kind": "JobCancelled"}
    no_cancel = Answer(405, {"detail": "Method Not Allowed"})
    with scripted_server(Answer(200, cancelled), no_cancel, DONE) as server:
        connection("docs", host=server.url)
        job = ClassifyHook("docs").cancel("8a1c")
        assert job is not None
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "JobCancelled")
        assert "Cancel was requested for job 8a1c, which is failed (The job was cancelled.)" in log()
        assert ClassifyHook("docs").cancel("8a1c") is None
        assert "Job 8a1c is not cancelled, because the API has no cancel" in log()
        job = ClassifyHook("docs").cancel("8a1c")
        assert job is not None
        assert job.status is JobStatus.COMPLETED
        assert "Job 8a1c is not cancelled, because it has ended: it is completed" in log()


async def test_all_that_use_a_connection_on_a_loop_share_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONE", "OTHER"):
        connection = {"conn_type": "classify", "host": "http://127.0.0.1:9"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    async with ClassifyHook("one").connect() as first, ClassifyHook("one").connect() as second:
        assert first is second
        async with ClassifyHook("other").connect() as stranger:
            assert stranger is not first
