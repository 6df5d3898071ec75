"""Documents that the service fetches, from a file server that the test runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from airflow_provider_classify.exceptions import (
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTookTooLong,
    DocumentTooLarge,
    RequestRejected,
)
from airflow_provider_classify.model.contract import Job, JobStatus
from airflow_provider_classify.service import fetching
from airflow_provider_classify.service.fetching import fetch
from tests.support.app_server import AppServer, app_server
from tests.support.waiting import wait_until

DOCUMENT = b"%PDF-1.7 " + bytes(range(256)) * 1000


class _Files(BaseHTTPRequestHandler):
    """Answers by path: /scan.pdf, /status/<code>, /hop/<n>, /to?<url>, /broken, /held."""

    protocol_version = "HTTP/1.1"
    gate: threading.Event

    def do_GET(self) -> None:
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind.startswith("to?"):
            self._redirect(kind.removeprefix("to?") + (f"/{rest}" if rest else ""))
        elif kind == "hop":
            self._redirect("/scan.pdf" if rest == "1" else f"/hop/{int(rest) - 1}")
        elif kind == "status":
            self._answer(int(rest), b"<h1>no</h1>")
        elif kind.startswith("broken"):
            self._answer(200, DOCUMENT, claimed=len(DOCUMENT) + 10)
            self.close_connection = True
        elif kind == "held":
            self.gate.wait()
            self._answer(200, DOCUMENT)
        else:
            self._answer(200, DOCUMENT)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes, claimed: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(claimed or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that gives up in the middle is what some tests are about."""


@pytest.fixture
def files() -> Iterator[str]:
    with _file_server() as (url, gate):
        gate.set()
        yield url


@contextmanager
def _file_server() -> Iterator[tuple[str, threading.Event]]:
    gate = threading.Event()
    handler = type("Files", (_Files,), {"gate": gate})
    server = _QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", gate
    finally:
        gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def fetched(url: str) -> bytes:
    pieces: list[bytes] = []
    fetch(url, pieces.append)
    return b"".join(pieces)


def submit(server: AppServer, url: str) -> str:
    reply = httpx.post(f"{server.url}/classify", data={"categories": '["invoice"]', "file_url": url})
    assert reply.status_code == 202, reply.text
    return reply.json()["job_id"]


def ended(server: AppServer, url: str) -> Job:
    return server.ended(submit(server, url))


def test_the_document_is_fetched_whole(files: str) -> None:
    assert fetched(f"{files}/scan.pdf") == DOCUMENT


def test_some_redirects_are_followed(files: str) -> None:
    assert fetched(f"{files}/hop/{fetching.MAX_REDIRECTS}") == DOCUMENT


def test_not_more(files: str) -> None:
    with pytest.raises(RequestRejected, match="redirects"):
        fetched(f"{files}/hop/{fetching.MAX_REDIRECTS + 1}")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a"])
def test_a_redirect_away_from_http_is_refused(files: str, target: str) -> None:
    with pytest.raises(RequestRejected, match="other than http"):
        fetched(f"{files}/to?{target}")


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0xA9FEA9FE"])
def test_a_redirect_to_credentials_is_refused(files: str, address: str) -> None:
    with pytest.raises(RequestRejected, match="fetches nothing"):
        fetched(f"{files}/to?http://{address}/latest/meta-data")


def test_the_address_that_answered_is_judged_too(files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that resolves to something harmless when asked first, and otherwise when connected to.
    refused = files.removeprefix("http://").split(":")[0]
    monkeypatch.setattr(fetching, "is_refused_address", lambda address: address == refused)
    monkeypatch.setattr(fetching, "_refuse_by_name", lambda url: None)
    with pytest.raises(RequestRejected, match=refused):
        fetched(f"{files}/scan.pdf")


@pytest.mark.parametrize(
    ("status", "error"), [(404, DocumentNotFound), (410, DocumentNotFound), (403, DocumentNotReadable)]
)
def test_the_status_of_the_file_server_is_told(files: str, status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(status)):
        fetched(f"{files}/status/{status}")


def test_a_transfer_that_breaks_is_told(files: str) -> None:
    with pytest.raises(DocumentNotReadable, match="could not be fetched"):
        fetched(f"{files}/broken")


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DocumentNotReadable, match="could not be fetched"):
        fetched("http://127.0.0.1:9/a")


def test_a_transfer_has_a_deadline(files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", -1.0)
    with pytest.raises(DocumentTookTooLong):
        fetched(f"{files}/scan.pdf")


def test_a_transfer_can_be_given_up(files: str) -> None:
    with pytest.raises(DocumentNotReadable, match="stops"):
        fetch(f"{files}/scan.pdf", lambda _: None, go_on=lambda: False)


def test_secrets_of_a_url_stay_out_of_errors(files: str) -> None:
    with_user = files.replace("http://", "http://user:hunter2@")
    for url in (f"{with_user}/status/500", f"{with_user}/broken?signature=hunter2", "http://x:hunter2@127.0.0.1:9/a"):
        with pytest.raises(DocumentNotReadable) as raised:
            fetched(url)
        assert "hunter2" not in str(raised.value)


def test_a_job_fetches_and_classifies(tmp_path: Path, files: str) -> None:
    with app_server(tmp_path) as server:
        job = ended(server, f"{files}/scan.pdf?signature=abc")
        assert job.status is JobStatus.COMPLETED
        assert server.classifier.seen == [("scan.pdf", DOCUMENT)]
        wait_until(lambda: server.spooled() == set())


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/status/404", DocumentNotFound),
        ("/status/500", DocumentNotReadable),
        ("/to?http://169.254.169.254/latest", RequestRejected),
    ],
)
def test_a_job_whose_document_cannot_be_fetched_fails(
    tmp_path: Path, files: str, path: str, error: type[Exception]
) -> None:
    with app_server(tmp_path) as server:
        job = ended(server, files + path)
        assert (job.status, job.error_kind) == (JobStatus.FAILED, error.__name__)
        assert job.error
        assert server.spooled() == set()
        assert server.classifier.seen == []


def test_a_document_beyond_the_limit_fails_its_job(tmp_path: Path, files: str) -> None:
    with app_server(tmp_path, max_bytes=len(DOCUMENT) - 1) as server:
        job = ended(server, f"{files}/scan.pdf")
        assert (job.status, job.error_kind) == (JobStatus.FAILED, DocumentTooLarge.__name__)
        assert server.spooled() == set()


def test_failed_fetches_give_their_places_back(tmp_path: Path, files: str) -> None:
    with app_server(tmp_path, capacity=1) as server:
        for _ in range(3):
            assert ended(server, f"{files}/status/404").status is JobStatus.FAILED


def test_slow_servers_hold_up_no_upload(tmp_path: Path) -> None:
    with _file_server() as (url, gate), app_server(tmp_path, threads=1) as server:
        slow = [submit(server, f"{url}/held") for _ in range(6)]
        reply = httpx.post(
            f"{server.url}/classify", data={"categories": '["invoice"]'}, files={"pdf_file": ("a.pdf", b"here")}
        )
        assert server.ended(reply.json()["job_id"]).status is JobStatus.COMPLETED
        assert set(slow) <= set(server.store.unfinished())
        gate.set()
        assert {server.ended(job_id).status for job_id in slow} == {JobStatus.COMPLETED}
