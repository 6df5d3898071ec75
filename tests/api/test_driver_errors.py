"""Errors of the client over real HTTP, with httpx and with aiohttp."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiNotReached,
    ApiUnavailable,
    ClassifyError,
    DocumentNotReadable,
    InvalidReply,
    QuotaExceeded,
    RequestRejected,
)
from tests.support.api_clients import ACCEPTED, HTML, KEY, Httpx, failure, settings_for
from tests.support.scripted_server import Answer, Fault, scripted_server
from tests.support.storage import attach

pytestmark = pytest.mark.usefixtures("_everything_is_logged")


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
    client: Httpx, document: str, answer: Answer, kind: type[ClassifyError], caplog: pytest.LogCaptureFixture
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
