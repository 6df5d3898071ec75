"""
The API client over real HTTP: httpx and aiohttp through the same cases.

Good paths run against the real service, the rest against a server that answers as it is told.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentEmpty,
    DocumentNotFound,
    DocumentNotReadable,
    InvalidJobId,
    InvalidReply,
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.model.job import Job, JobStatus
from tests.support.api_clients import ACCEPTED, CATEGORIES, KEY, PROCESSING, Httpx, failure, settings_for
from tests.support.documents import write_pdf
from tests.support.scripted_server import Answer, Fault, scripted_server
from tests.support.service import RunningService, running_service
from tests.support.storage import attach
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("_everything_is_logged")
HTML = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>"


# --- the real service ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service"), api_key=KEY, allow_private_urls=True) as service:
        yield service


def finished(client: Httpx, settings: ApiSettings, job_id: str) -> Job:
    wait_until(lambda: client.get(settings, job_id).status.is_terminal)
    return client.get(settings, job_id)


def test_a_file_is_classified(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    submission = client.submit(settings_for(service.url), str(write_pdf(tmp_path / "Öl & Gas.pdf")))
    assert submission.status in JobStatus
    job = finished(client, settings_for(service.url), submission.job_id)
    assert job.status is JobStatus.COMPLETED
    assert job.result is not None
    assert (job.result.classification, job.result.total_pages) == ("invoice", 1)
    assert job.result.extra["scores"].keys() == {"invoice", "Straße"}


def test_a_document_on_object_storage_is_classified(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    document = write_pdf(tmp_path / "invoice.pdf").as_uri()
    submission = client.submit(settings_for(service.url), document)
    job = finished(client, settings_for(service.url), submission.job_id)
    assert job.result is not None
    assert job.result.classification == "invoice"


def test_a_url_is_fetched_by_the_api(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "invoice.pdf").read_bytes()
    with scripted_server(Answer(200, pdf, {"Content-Type": "application/pdf"})) as files:
        submission = client.submit(settings_for(service.url), f"{files.url}/in/invoice.pdf?signature=abc")
        job = finished(client, settings_for(service.url), submission.job_id)
    assert job.result is not None
    assert job.result.classification == "invoice"
    assert [request.path for request in files.requests] == ["/in/invoice.pdf?signature=abc"]


def test_a_document_that_cannot_be_read_is_a_failed_job(client: Httpx, service: RunningService, document: str) -> None:
    submission = client.submit(settings_for(service.url), document)
    job = finished(client, settings_for(service.url), submission.job_id)
    assert (job.status, job.result) == (JobStatus.FAILED, None)
    assert job.error


@pytest.mark.parametrize("key", ["", "another", KEY.upper()])
def test_a_wrong_key(
    client: Httpx, service: RunningService, document: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(service.url, key)
    for error, what in (
        (failure(client.submit, settings, document, caplog=caplog), document),
        (failure(client.get, settings, "8a1c", caplog=caplog), "8a1c"),
    ):
        assert type(error) is AuthenticationRejected
        assert what in str(error)
        assert "'docs'" in str(error)


@pytest.mark.parametrize("job_id", ["00000000-0000-0000-0000-000000000000", "no_such.job~7"])
def test_an_unknown_job(client: Httpx, service: RunningService, job_id: str, caplog: pytest.LogCaptureFixture) -> None:
    error = failure(client.get, settings_for(service.url), job_id, caplog=caplog)
    assert type(error) is JobNotFound
    assert job_id in str(error)


@pytest.mark.parametrize("job_id", ["..", "../health", "", "\ud800", "8a1c\r\nX: 1"])
def test_what_is_not_a_job_id_is_not_sent(client: Httpx, job_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(PROCESSING) as server:
        for call in (client.get, client.cancel):
            assert type(failure(call, settings_for(server.url), job_id, caplog=caplog)) is InvalidJobId
    assert server.requests == []


def test_the_check_of_a_connection(service: RunningService, caplog: pytest.LogCaptureFixture) -> None:
    assert service.url in ApiBackend(settings_for(service.url)).check()
    error = failure(ApiBackend(settings_for(service.url, "another")).check, caplog=caplog)
    assert type(error) is AuthenticationRejected


def test_a_host_that_is_no_classify_api_fails_the_check(caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(Answer(404, b"<html>Not here</html>")) as server:
        error = failure(ApiBackend(settings_for(server.url)).check, caplog=caplog)
    assert type(error) is RequestRejected
    assert "'docs'" in str(error)


# --- what is sent -------------------------------------------------------------------------


def test_both_send_the_same_form(client: Httpx, tmp_path: Path) -> None:
    path = tmp_path / 'Rech"nung Öl.pdf'
    path.write_bytes(b"%PDF the bytes")
    with scripted_server(ACCEPTED) as server:
        client.submit(settings_for(server.url), str(path))
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/classify")
    assert request.headers["api-key"] == KEY
    assert "Transfer-Encoding" not in request.headers
    assert b"%PDF the bytes\r\n" in request.body
    assert 'filename="Rech_nung Öl.pdf"'.encode() in request.body
    assert b"Content-Type: application/pdf\r\n" in request.body
    assert json.dumps([c.to_json() for c in CATEGORIES], ensure_ascii=False).encode() in request.body


def test_a_url_is_sent_as_a_short_form_with_its_signature(client: Httpx) -> None:
    with scripted_server(ACCEPTED) as server:
        client.submit(settings_for(server.url), "https://files.example.com/a.pdf?sig=x%2By&n=ä")
    [request] = server.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"file_url=https%3A%2F%2Ffiles.example.com%2Fa.pdf%3Fsig%3Dx%252By%26n%3D%C3%A4" in request.body


def test_a_job_is_asked_for_below_the_path_of_the_host(client: Httpx) -> None:
    with scripted_server(PROCESSING) as server:
        assert client.get(settings_for(f"{server.url}/v2"), "8a1c").status is JobStatus.PROCESSING
    assert [request.path for request in server.requests] == ["/v2/classify/8a1c"]


def test_without_a_key_no_header_is_sent(client: Httpx) -> None:
    with scripted_server(PROCESSING) as server:
        client.get(settings_for(server.url, key=""), "8a1c")
    assert "api-key" not in {name.lower() for name in server.requests[0].headers}


def test_nothing_is_sent_of_a_document_that_is_missing_or_empty(
    client: Httpx, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty = tmp_path / "empty.pdf"
    empty.touch()
    with scripted_server(ACCEPTED) as server:
        for path, kind in ((empty, DocumentEmpty), (tmp_path / "none.pdf", DocumentNotFound)):
            assert type(failure(client.submit, settings_for(server.url), str(path), caplog=caplog)) is kind
    assert server.requests == []


class FailingFile(MemoryFile):
    def read(self, size: int = -1) -> bytes:
        if self.tell() > 0:
            raise OSError("The storage is gone")
        return super().read(1024)


class FailingStorage(MemoryFileSystem):
    def _open(self, path: str, mode: str = "rb", **_: object) -> MemoryFile:
        return FailingFile(self, path, data=bytes(1_000_000))


def test_a_storage_that_fails_midway_is_no_failure_of_the_api(
    client: Httpx, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FAILING", json.dumps({"conn_type": "generic"}))
    attach("memory", conn_id="failing", fs=FailingStorage())
    with scripted_server(ACCEPTED) as server:
        error = failure(client.submit, settings_for(server.url), "memory://failing@bucket/scan.pdf", caplog=caplog)
    assert type(error) is DocumentNotReadable
    assert "memory://failing@bucket/scan.pdf" in str(error)
    assert "The storage is gone" in str(error)


# --- answers that are errors --------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, HTML), InvalidReply),
        (Answer(200, b'{"job_id": "8a1c", '), InvalidReply),
        (Answer(200, b""), InvalidReply),
        (Answer(200, {"job_id": "8a1c"}), InvalidReply),
        (Answer(200, {"status": "queued"}), InvalidReply),
        (Answer(200, {"job_id": "8a1c", "status": KEY}), InvalidReply),
        (Answer(400, {"detail": f"no {KEY}"}), RequestRejected),
        (Answer(402, {"detail": {"message": "Quota exceeded", "status": "QUOTA_EXCEEDED"}}), QuotaExceeded),
        (Answer(408), ApiUnavailable),
        (Answer(500, HTML), ApiUnavailable),
        (Answer(502, HTML), ApiUnavailable),
        (Answer(503, HTML), ApiUnavailable),
        (Answer(301, b"", {"Location": "/elsewhere"}), RequestRejected),
        (Answer(307, b"", {"Location": "/elsewhere"}), RequestRejected),
    ],
)
def test_an_answer_that_is_an_error(
    client: Httpx,
    document: str,
    answer: Answer,
    kind: type[ClassifyError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with scripted_server(answer) as server:
        of_submit = failure(client.submit, settings_for(server.url), document, caplog=caplog)
        of_get = failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert (type(of_submit), type(of_get)) == (kind, kind)
    assert document in str(of_submit)
    assert "job 8a1c" in str(of_get)
    if not isinstance(of_get, ApiUnavailable):
        assert "'docs'" in str(of_submit)
        assert "'docs'" in str(of_get)
    assert [request.path for request in server.requests] == ["/classify", "/classify/8a1c"]


def test_the_key_follows_no_redirect(client: Httpx, document: str, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(ACCEPTED) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            with scripted_server(Answer(status, b"", {"Location": f"{elsewhere.url}/classify"})) as server:
                failure(client.submit, settings_for(server.url), document, caplog=caplog)
                failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert elsewhere.requests == []


# --- whether a submit is sent again -------------------------------------------------------


@pytest.mark.parametrize(
    "turned_away",
    [
        Answer(429, b"Too Many Requests"),
        Answer(429, {"detail": "slow down"}, {"Retry-After": "0"}),
        Answer(503, {"error": {"code": "service_unavailable", "details": {"retry_after": 0}}}),
        Answer(503, HTML, {"Retry-After": "0"}),
    ],
)
def test_a_submit_that_was_turned_away_is_sent_again_whole(client: Httpx, document: str, turned_away: Answer) -> None:
    with scripted_server(turned_away, turned_away, ACCEPTED) as server:
        assert client.submit(settings_for(server.url), document).job_id == "8a1c"
    assert len(server.requests) == 3
    content = Path(document).read_bytes()
    assert all(content in request.body for request in server.requests)


def test_retry_after_is_waited_for(client: Httpx, document: str) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "17"}), ACCEPTED) as server:
        client.submit(settings_for(server.url), document)
    assert client.sleeps == [17]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Answer(429), RateLimited), (Answer(503, HTML, {"Retry-After": "0"}), ApiOverloaded)],
)
def test_a_server_that_keeps_turning_away_is_believed_in_the_end(
    client: Httpx,
    document: str,
    answer: Answer,
    kind: type[ClassifyError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with scripted_server(answer) as server:
        assert type(failure(client.submit, settings_for(server.url), document, caplog=caplog)) is kind
    assert len(server.requests) == 5
    assert client.sleeps == [1, 2, 4, 8]


def test_a_submit_does_not_wait_for_a_server_that_asks_for_an_hour(
    client: Httpx, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "3600"})) as server:
        error = failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert error.retry_after == 300
    assert client.sleeps == []
    assert len(server.requests) == 1


def test_a_look_is_never_repeated_by_the_client(client: Httpx, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "7"}), PROCESSING) as server:
        error = failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert (type(error), error.retry_after) == (RateLimited, 7)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Fault.HANG_UP, Fault.BREAK_OFF])
def test_a_submit_whose_connection_broke_is_not_sent_again(
    client: Httpx, document: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(fault) as server:
        error = failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert type(error) is ApiConnectionLost
    assert document in str(error)
    assert "'docs'" in str(error)
    assert len(server.requests) == 1


HONOURS_KEYS = Answer(404, {"detail": "Job not found"}, {"Idempotency-Key-Honoured": "true"})
FAILURES = [
    Fault.HANG_UP,
    Fault.BREAK_OFF,
    Answer(500, HTML),
    Answer(502, HTML),
    Answer(408),
    Answer(200, HTML),
    Answer(202, b'{"job_id": "8a1c", '),
]


@pytest.mark.parametrize("failed", FAILURES)
def test_a_submit_in_doubt_is_sent_again_with_its_key_where_the_server_honours_it(
    client: Httpx, document: str, failed: Answer | Fault
) -> None:
    # The server is not back at once, and the next submit fails midway too.
    with scripted_server(failed, Answer(502, HTML), HONOURS_KEYS, failed, ACCEPTED) as server:
        submission = client.submit(settings_for(server.url), document, idempotency_key="key-7")
    assert submission.job_id == "8a1c"
    submits = [request for request in server.requests if request.method == "POST"]
    assert [request.headers["Idempotency-Key"] for request in submits] == ["key-7"] * 3
    content = Path(document).read_bytes()
    assert all(content in request.body for request in submits)


@pytest.mark.parametrize("failed", FAILURES)
@pytest.mark.parametrize(
    "asked", [Answer(404, {"detail": "Job not found"}), Answer(401, b""), Answer(502, HTML), Answer(200, HTML)]
)
def test_a_submit_in_doubt_is_not_sent_again_where_the_server_does_not_say_so(
    client: Httpx, document: str, failed: Answer | Fault, asked: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(failed, asked) as server:
        error = failure(client.submit, settings_for(server.url), document, CATEGORIES, "key-7", caplog=caplog)
    assert isinstance(error, (ApiUnavailable, InvalidReply))
    assert document in str(error)
    assert [request.method for request in server.requests].count("POST") == 1


def test_without_a_key_nobody_is_asked_whether_keys_are_honoured(
    client: Httpx, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Fault.HANG_UP, HONOURS_KEYS, ACCEPTED) as server:
        failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert [request.method for request in server.requests] == ["POST"]
    assert "Idempotency-Key" not in server.requests[0].headers


def test_the_service_honours_keys(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    document = str(write_pdf(tmp_path / "invoice.pdf"))
    # The service is shared by the tests, and a key is for one document.
    key = f"for {tmp_path}"
    first, again = (client.submit(settings_for(service.url), document, idempotency_key=key) for _ in range(2))
    assert first.job_id == again.job_id
    assert client.submit(settings_for(service.url), document, idempotency_key=f"not {key}").job_id != first.job_id


def test_a_job_is_cancelled_by_the_service(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    settings = settings_for(service.url)
    document = str(write_pdf(tmp_path / "invoice.pdf"))
    finished(client, settings, client.submit(settings, document).job_id)
    with service.frozen_engine():
        job_id = client.submit(settings, document).job_id
        cancelled = client.cancel(settings, job_id)
    assert cancelled is not None
    assert (cancelled.job_id, cancelled.status, cancelled.error_kind) == (job_id, JobStatus.FAILED, "JobCancelled")
    assert client.get(settings, job_id) == cancelled
    assert client.cancel(settings, "no-such-job") is None


def test_a_server_without_a_cancel_leaves_the_job(client: Httpx) -> None:
    with scripted_server(Answer(405, {"detail": "Method Not Allowed"})) as server:
        assert client.cancel(settings_for(server.url), "8a1c") is None
    [request] = server.requests
    assert (request.method, request.path, request.headers["api-key"]) == ("DELETE", "/classify/8a1c", KEY)


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.DEAF])
def test_a_silent_server_is_given_up_at_the_timeout_and_not_asked_again(
    client: Httpx, tmp_path: Path, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(64 * 1024 * 1024)  # more than the sockets' buffers take from a client
    with scripted_server(fault) as server:
        settings = settings_for(server.url, request_timeout=0.5)
        error = failure(client.submit, settings, str(large), caplog=caplog)
    assert type(error) is ApiConnectionLost
    assert "large.pdf" in str(error)
    assert len(server.requests) == 1


def test_a_silent_server_ends_a_look_at_the_timeout(client: Httpx, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(Fault.SILENCE) as server:
        error = failure(client.get, settings_for(server.url, request_timeout=0.3), "8a1c", caplog=caplog)
    assert type(error) is ApiConnectionLost
    assert "job 8a1c" in str(error)


def test_a_refused_connection_is_tried_again(client: Httpx, document: str) -> None:
    with scripted_server(ACCEPTED, listening=False) as server:
        client.on_sleep = server.listen
        assert client.submit(settings_for(server.url), document).job_id == "8a1c"
    assert len(server.requests) == 1
    assert client.sleeps == [1]


def test_a_server_that_is_not_there(client: Httpx, document: str, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(ACCEPTED, listening=False) as server:
        of_submit = failure(client.submit, settings_for(server.url), document, caplog=caplog)
        of_get = failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert (type(of_submit), type(of_get)) == (ApiNotReached, ApiNotReached)
    assert document in str(of_submit)
    assert "job 8a1c" in str(of_get)
    assert "'docs'" in str(of_submit)


def test_a_host_without_an_address(client: Httpx, document: str, caplog: pytest.LogCaptureFixture) -> None:
    error = failure(client.submit, settings_for("https://no-such-host.invalid"), document, caplog=caplog)
    assert type(error) is ApiNotReached
    assert "'docs'" in str(error)


def test_a_server_without_tls_is_not_reached_by_https(
    client: Httpx, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(ACCEPTED) as server:
        url = server.url.replace("http://", "https://")
        assert type(failure(client.submit, settings_for(url), document, caplog=caplog)) is ApiNotReached


def test_a_server_that_speaks_no_http(client: Httpx, document: str, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = failure(client.get, settings_for(url), "8a1c", caplog=caplog)
        thread.join()
    assert type(error) is ApiConnectionLost


# --- many jobs on a loop ------------------------------------------------------------------


async def test_many_looks_at_once() -> None:
    with scripted_server(PROCESSING) as server:
        async with ApiBackend(settings_for(server.url)).connect() as jobs:
            seen = await asyncio.gather(*(jobs.get("8a1c") for _ in range(200)))
    assert len(seen) == len(server.requests) == 200


async def test_a_cancelled_submit_closes_its_document(document: str) -> None:
    with scripted_server(Fault.SILENCE) as server:
        async with ApiBackend(settings_for(server.url)).connect() as jobs:
            submit = asyncio.create_task(jobs.submit(Document(document), CATEGORIES))
            await asyncio.to_thread(wait_until, lambda: server.requests)
            submit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await submit
    assert document not in {file.path for file in psutil.Process().open_files()}


# --- memory -------------------------------------------------------------------------------

_UPLOAD = textwrap.dedent(
    """
    import asyncio, resource, sys
    from pathlib import Path
    from airflow_provider_classify.api.sync import ApiBackend
    from airflow_provider_classify.api.settings import ApiSettings
    from airflow_provider_classify.model.categories import Category
    from airflow_provider_classify.documents.document import Document

    driver, url, small, large = sys.argv[1:]
    backend = ApiBackend(ApiSettings("docs", url))

    async def submit(path):
        async with backend.connect() as jobs:
            await jobs.submit(Document(path), [Category("invoice")])

    def upload(path):
        if driver == "aiohttp":
            asyncio.run(submit(path))
        else:
            backend.submit(Document(path), [Category("invoice")])

    def peak_mb():
        status = Path("/proc/self/status")
        if status.exists():  # Linux's ru_maxrss begins with the peak of the process that started this one
            return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

    upload(small)
    before = peak_mb()
    upload(large)
    print(peak_mb() - before)
    """
)


def sparse(path: Path, size: int) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


@pytest.mark.parametrize("driver", ["httpx", "aiohttp"])
def test_the_largest_document_is_not_held_in_memory(driver: str, tmp_path: Path) -> None:
    # A process of its own: the peak of this one knows of all the tests before.
    small, large = sparse(tmp_path / "small.pdf", 1024**2), sparse(tmp_path / "large.pdf", 500 * 1024**2)
    with scripted_server(ACCEPTED) as server:
        command = [sys.executable, "-c", _UPLOAD, driver, server.url, small, large]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(server.requests[1].headers["Content-Length"]) > 500 * 1024**2
    assert float(done.stdout) < 50


GROUP = Answer(200, {"jobs": {"a": "queued", "b": "processing"}, "not_found": []})


@pytest.mark.parametrize(
    ("answers", "group_size"),
    [((Answer(200, HTML),), 1), ((GROUP, Answer(200, HTML)), 160)],
    ids=["a server without the batch route", "a passing fault of one that has it"],
)
async def test_jobs_are_looked_at_one_by_one_only_where_a_group_was_never_answered(answers, group_size):
    with scripted_server(*answers) as server:
        async with ApiBackend(ApiSettings("docs", server.url, KEY)).connect() as jobs:
            for _ in answers:
                with suppress(InvalidReply):
                    await jobs.statuses(["a", "b"])
            assert jobs.group_size == group_size
