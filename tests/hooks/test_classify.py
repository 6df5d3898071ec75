"""The hook with real Airflow connections, from the environment."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiUnavailable,
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
    JobTimedOut,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.local.backend import LocalBackend
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.polling import Wait, answer
from tests.support.documents import write_corrupt_pdf, write_pdf
from tests.support.scripted_server import Answer, Fault, Stream, scripted_server
from tests.support.service import RunningService, running_service

KEY = "sk-recognisable-4711"
CATEGORIES = ["invoice", {"name": "letter", "description": "a letter to a person"}]
PROCESSING = Answer(200, {"job_id": "8a1c", "status": "processing", "progress": "Starting classification..."})
DONE = Answer(
    200,
    {
        "job_id": "8a1c",
        "status": "completed",
        "progress": "Classification completed",
        "error": None,
        "result": {
            "success": True,
            "classification": "invoice",
            "confidence": 0.9,
            "total_pages": 1,
            "processed_pages": 1,
            "raw_result": "invoice",
        },
    },
)


@pytest.fixture(autouse=True)
def _record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
    monkeypatch.delenv("AIRFLOW_CONN_CLASSIFY_DEFAULT", raising=False)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def define(conn_id: str = "docs", **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "classify"} | fields))

    return define


@pytest.fixture
def log(caplog: Callable[[], str], capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """All that was logged since the last call: by Airflow's loggers, which print, and by libraries."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        text = "".join(capfd.readouterr()) + caplog.text
        caplog.clear()
        return text

    return read


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service"), api_key=KEY) as service:
        yield service


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


# --- which backend ------------------------------------------------------------------------


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
        ({"host": "https://api.example.com", "extra": ["api"]}, "extra"),
        ({"host": "https://api.example.com", "extra": '["api"]'}, "extra"),
        ({"host": "https://api.example.com", "password": f"{KEY}\nX: 1"}, "key"),
        ({"host": "https://api.example.com", "password": f"{KEY}–é"}, "key"),
    ],
)
def test_a_connection_that_cannot_be_used(connection: Callable[..., None], fields: dict[str, Any], words: str) -> None:
    connection(**fields)
    assert words in str(refusals("docs")[0])


# --- the test button ----------------------------------------------------------------------


def test_the_test_button(connection: Callable[..., None], service: RunningService) -> None:
    connection("right", host=service.url, password=KEY)
    connection("wrong", host=service.url, password="another")
    connection("nobody", host="http://127.0.0.1:9", password=KEY)
    good, words = ClassifyHook("right").test_connection()
    assert good is True
    assert service.url in words
    for conn_id in ("wrong", "nobody"):
        good, words = ClassifyHook(conn_id).test_connection()
        assert good is False
        assert f"'{conn_id}'" in words
        assert KEY not in words


def test_the_test_button_on_a_web_site_that_is_no_api(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(200, b"<html>Welcome</html>"), Answer(404, b"<html>404</html>")) as server:
        connection(host=server.url)
        for _ in range(2):
            good, words = ClassifyHook("docs").test_connection()
            assert good is False
            assert "'docs'" in words


def test_the_test_button_refuses_an_extra_that_is_not_read(
    connection: Callable[..., None], service: RunningService
) -> None:
    connection(host=service.url, password=KEY, extra={"requst_timeout": 5})
    good, words = ClassifyHook("docs").test_connection()
    assert good is False
    assert "'requst_timeout'" in words
    connection(host=service.url, password=KEY, extra={"request_timeout": 5, "document_timeout": None})
    assert ClassifyHook("docs").test_connection()[0] is True


def test_a_host_without_a_scheme_is_told_in_the_log(connection: Callable[..., None], log: Callable[[], str]) -> None:
    connection(host="api.example.com", password=KEY)
    assert isinstance(ClassifyHook("docs").backend, ApiBackend)
    assert "https was assumed: https://api.example.com" in log()


def test_the_test_button_on_the_local_engine() -> None:
    good, words = ClassifyHook().test_connection()
    assert good is True
    assert "local engine" in words


# --- the local engine ---------------------------------------------------------------------


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


# --- an API -------------------------------------------------------------------------------


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


# --- waiting on a worker ------------------------------------------------------------------


def waited(seconds: float = 60) -> Job:
    now = time.time()
    return ClassifyHook("docs").wait(Wait("8a1c", since=now, deadline=now + seconds, longest_pause=0.01))


def test_a_wait_outlasts_what_passes(connection: Callable[..., None], log: Callable[[], str]) -> None:
    troubles = (
        PROCESSING,
        Answer(502, b"<html>Bad Gateway</html>"),
        Answer(200, b"<html>Maintenance</html>"),
        Fault.BREAK_OFF,
        Answer(429, b"Too Many Requests", {"Retry-After": "0"}),
        Answer(503, {"error": {"code": "service_unavailable"}}),
    )
    with scripted_server(*troubles, DONE) as server:
        connection(host=server.url, password=KEY)
        assert answer(waited()).classification == "invoice"
    assert len(server.requests) == len(troubles) + 1
    logged = log()
    assert "Job 8a1c is processing; asking again in" in logged
    assert "could not be read" in logged
    assert KEY not in logged


def test_a_wait_gives_a_failed_job_back(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(200, {"job_id": "8a1c", "status": "failed", "error": "no"})) as server:
        connection(host=server.url)
        assert waited().status is JobStatus.FAILED


@pytest.mark.parametrize(
    ("reply", "kind"), [(Answer(401), AuthenticationRejected), (Answer(404, {"detail": "Job not found"}), JobNotFound)]
)
def test_a_wait_ends_at_once_on_what_stays(
    connection: Callable[..., None], reply: Answer, kind: type[ClassifyError]
) -> None:
    with scripted_server(reply) as server:
        connection(host=server.url)
        with pytest.raises(kind):
            waited()
    assert len(server.requests) == 1


def test_a_wait_ends_at_its_deadline(connection: Callable[..., None]) -> None:
    with scripted_server(PROCESSING) as server:
        connection(host=server.url)
        with pytest.raises(JobTimedOut, match="8a1c"):
            waited(seconds=0.2)
    assert len(server.requests) > 1


def test_a_wait_ends_at_its_deadline_whatever_the_server_drips(connection: Callable[..., None]) -> None:
    """The request alone would take the connection's whole timeout, which is longer than the test may take."""
    drip = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", 0.02)
    with scripted_server(drip) as server:
        connection(host=server.url, extra={"request_timeout": 3600})
        with pytest.raises(JobTimedOut, match="8a1c"):
            waited(seconds=0.5)
    assert len(server.requests) == 1


def test_an_aget_ends_at_the_timeout_whatever_the_server_drips(connection: Callable[..., None]) -> None:
    drip = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", 0.02)
    with scripted_server(drip) as server:
        connection(host=server.url, extra={"request_timeout": 0.5})
        with pytest.raises(ApiConnectionLost, match="8a1c"):
            asyncio.run(ClassifyHook("docs").aget("8a1c"))


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


def test_the_key_over_http_is_warned_of(connection: Callable[..., None], log: Callable[[], str]) -> None:
    connection(host="http://api.example.com", password=KEY)
    assert isinstance(ClassifyHook("docs").backend, ApiBackend)
    logged = log()
    assert "sends its api key over http" in logged
    assert KEY not in logged


def test_the_fetch_of_a_result_outlasts_a_short_failure(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(502), DONE) as server:
        connection(host=server.url)
        assert answer(ClassifyHook("docs").fetch("8a1c")).classification == "invoice"


def test_one_look_gives_what_may_pass_as_a_value(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(502), Answer(401)) as server:
        connection(host=server.url)
        assert type(ClassifyHook("docs").look("8a1c")) is ApiUnavailable
        with pytest.raises(AuthenticationRejected):
            ClassifyHook("docs").look("8a1c")


def test_a_cancel_says_what_became_of_the_job(connection: Callable[..., None], log: Callable[[], str]) -> None:
    cancelled = {"job_id": "8a1c", "status": "failed", "error": "The job was cancelled.", "error_kind": "JobCancelled"}
    with scripted_server(Answer(200, cancelled), Answer(405, {"detail": "Method Not Allowed"})) as server:
        connection("docs", host=server.url)
        job = ClassifyHook("docs").cancel("8a1c")
        assert job is not None
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "JobCancelled")
        assert "Cancel was requested for job 8a1c, which is failed (The job was cancelled.)" in log()
        assert ClassifyHook("docs").cancel("8a1c") is None
        assert "Job 8a1c is not cancelled, because the API has no cancel" in log()


async def test_all_that_use_a_connection_on_a_loop_share_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONE", "OTHER"):
        connection = {"conn_type": "classify", "host": "http://127.0.0.1:9"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    async with ClassifyHook("one").connect() as first, ClassifyHook("one").connect() as second:
        assert first is second
        async with ClassifyHook("other").connect() as stranger:
            assert stranger is not first
