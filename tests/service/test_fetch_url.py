"""Documents that the service fetches, from a file server that the test runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_classify.exceptions import (
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTookTooLong,
    DocumentTooLarge,
    RequestRejected,
)
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.service.fetch_url import MAX_REDIRECTS, FetchLimits, UrlFetcher
from airflow_provider_classify.service.transfer_rate import Pace
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
def _file_server(certificate: Path | None = None, key: Path | None = None) -> Iterator[tuple[str, threading.Event]]:
    gate = threading.Event()
    handler = type("Files", (_Files,), {"gate": gate})
    server = _QuietServer(("127.0.0.1", 0), handler)
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}", gate
    finally:
        gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def fetched(url: str, *, allow_private: bool = True, limits: FetchLimits | None = None) -> bytes:
    pieces: list[bytes] = []

    async def write(piece: bytes) -> None:
        pieces.append(piece)

    async def fetch() -> None:
        await UrlFetcher(allow_private=allow_private, limits=limits).fetch(url, write)

    asyncio.run(fetch())
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
    assert fetched(f"{files}/hop/{MAX_REDIRECTS}") == DOCUMENT


def test_not_more(files: str) -> None:
    with pytest.raises(RequestRejected, match="redirects"):
        fetched(f"{files}/hop/{MAX_REDIRECTS + 1}")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a"])
def test_a_redirect_away_from_http_is_refused(files: str, target: str) -> None:
    with pytest.raises(RequestRejected, match="other than http"):
        fetched(f"{files}/to?{target}")


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0xA9FEA9FE"])
def test_a_redirect_to_credentials_is_refused(files: str, address: str) -> None:
    with pytest.raises(RequestRejected, match="does not fetch from it"):
        fetched(f"{files}/to?http://{address}/latest/meta-data")


def test_private_addresses_are_refused_unless_allowed(files: str) -> None:
    for url in (files, files.replace("127.0.0.1", "localhost"), files.replace("127.0.0.1", "[::ffff:127.0.0.1]")):
        with pytest.raises(RequestRejected, match="does not fetch from it"):
            fetched(f"{url}/scan.pdf", allow_private=False)


def test_the_address_that_is_connected_to_is_judged(files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that resolves to a public address when asked first, and to this machine when asked again.
    answers = iter(["93.184.216.34"])
    resolve = socket.getaddrinfo

    def rebound(host: str, *args: Any, **kwargs: Any) -> Any:
        return resolve(next(answers, "127.0.0.1") if host == "rebound.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    url = files.replace("127.0.0.1", "rebound.example")
    next(answers)
    with pytest.raises(RequestRejected, match=r"127\.0\.0\.1"):
        fetched(f"{url}/scan.pdf", allow_private=False)
    assert fetched(f"{url}/scan.pdf") == DOCUMENT


def test_a_certificate_is_compared_with_the_name_in_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    with _file_server(certificate, key) as (url, gate):
        gate.set()
        with pytest.raises(DocumentNotReadable, match="Certificate"):
            fetched(f"{url}/scan.pdf".replace("127.0.0.1", "localhost"))  # Its issuer is not trusted.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetched(f"{url}/scan.pdf".replace("127.0.0.1", "localhost")) == DOCUMENT
        with pytest.raises(DocumentNotReadable, match="Certificate"):
            fetched(f"{url}/scan.pdf")


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


@dataclass(frozen=True)
class _Drip:
    """A server that says its lines over and over, a few bytes at a time, and never finishes."""

    first: bytes
    again: bytes

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(self.first)
            while not writer.is_closing():
                writer.write(self.again)
                await writer.drain()
                await asyncio.sleep(0.001)


DRIPS = {
    "header without end": _Drip(b"HTTP/1.1 200 OK\r\nX-Pad: ", b"a"),
    "headers without end": _Drip(b"HTTP/1.1 200 OK\r\n", b"X-Pad: a\r\n"),
    "informational answers without end": _Drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body without end": _Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"a"),
    "chunks without end": _Drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "silence": _Drip(b"", b""),
}


@contextmanager
def _dripping(drip: _Drip) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(drip.serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS.keys())
def test_the_whole_exchange_has_one_deadline(drip: _Drip) -> None:
    limits = FetchLimits(seconds=0.5, header_seconds=60, pace=Pace(60, 60, 1e-9))
    with _dripping(drip) as url, pytest.raises((DocumentTookTooLong, DocumentNotReadable)):
        fetched(f"{url}/a", limits=limits)


@pytest.mark.parametrize("name", ["header without end", "informational answers without end", "silence"])
def test_a_header_has_a_deadline(name: str) -> None:
    limits = FetchLimits(seconds=600, header_seconds=0.3)
    with _dripping(DRIPS[name]) as url, pytest.raises((DocumentTookTooLong, DocumentNotReadable)):
        fetched(f"{url}/a", limits=limits)


@pytest.mark.parametrize("name", ["body without end", "chunks without end"])
def test_a_body_has_a_minimum_rate(name: str) -> None:
    limits = FetchLimits(seconds=600, pace=Pace(idle_seconds=600, grace_seconds=0.3, bytes_per_second=1e6))
    with _dripping(DRIPS[name]) as url, pytest.raises(DocumentTookTooLong, match="fast enough"):
        fetched(f"{url}/a", limits=limits)


def test_slow_servers_stop_no_other_fetch(tmp_path: Path, files: str) -> None:
    with _dripping(DRIPS["silence"]) as slow, app_server(tmp_path) as server:
        held = [submit(server, f"{slow}/{i}") for i in range(40)]
        assert ended(server, f"{files}/scan.pdf".replace("127.0.0.1", "localhost")).status is JobStatus.COMPLETED
        assert set(held) <= set(server.store.unfinished())


def test_one_host_is_asked_for_so_many_documents_at_a_time(tmp_path: Path) -> None:
    with (
        _file_server() as (url, gate),
        app_server(tmp_path, fetch_limits=FetchLimits(concurrent=8, per_host=2)) as server,
    ):
        jobs = [submit(server, f"{url}/held/{i}") for i in range(6)]
        wait_until(lambda: len(server.uploads()) == 2)
        wait_until(lambda: [server.store.get(job_id).status for job_id in jobs].count(JobStatus.PROCESSING) == 2)
        gate.set()
        assert {server.ended(job_id).status for job_id in jobs} == {JobStatus.COMPLETED}


def test_documents_to_fetch_leave_places_for_uploads(tmp_path: Path) -> None:
    with _file_server() as (url, gate), app_server(tmp_path, capacity=4, held=True) as server:
        for _ in range(2):
            submit(server, f"{url}/held")
        data = {"categories": '["invoice"]', "file_url": f"{url}/held"}
        reply = httpx.post(f"{server.url}/classify", data=data)
        assert (reply.status_code, reply.json()["error"]["details"]["reason"]) == (503, "fetches_full")
        files = {"pdf_file": ("a.pdf", b"here")}
        assert httpx.post(f"{server.url}/classify", data={"categories": '["a"]'}, files=files).status_code == 202
        gate.set()
        wait_until(lambda: len(server.classifier.seen) == 2)
        assert httpx.post(f"{server.url}/classify", data=data).status_code == 202


def test_a_cancelled_job_is_not_fetched_any_more(tmp_path: Path) -> None:
    with _file_server() as (url, _), app_server(tmp_path, capacity=1) as server:
        job_id = submit(server, f"{url}/held")
        wait_until(server.uploads)
        httpx.delete(f"{server.url}/classify/{job_id}")
        wait_until(lambda: server.uploads() == set())
        assert server.store.get(job_id).error_kind == "JobCancelled"


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
        wait_until(lambda: server.uploads() == set())


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
        assert server.uploads() == set()
        assert server.classifier.seen == []


def test_a_document_beyond_the_limit_fails_its_job(tmp_path: Path, files: str) -> None:
    with app_server(tmp_path, max_bytes=len(DOCUMENT) - 1) as server:
        job = ended(server, f"{files}/scan.pdf")
        assert (job.status, job.error_kind) == (JobStatus.FAILED, DocumentTooLarge.__name__)
        assert server.uploads() == set()


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
