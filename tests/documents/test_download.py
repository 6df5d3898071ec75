"""Documents behind http(s) URLs, fetched from servers that do well and from servers that do not."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.download import DownloadLimits, download
from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentError,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
)
from tests.support.scripted_server import Answer, Fault, scripted_server

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 20


def copied(reference: str) -> bytes:
    with Document(reference).local_copy() as copy:
        return copy.read_bytes()


def download_error(url: str) -> DocumentError:
    with pytest.raises(DocumentError) as raised:
        copied(url)
    assert Document(url).label in str(raised.value)
    assert "s3cret" not in str(raised.value)
    return raised.value


def test_a_url_is_downloaded_with_its_signature_which_no_log_holds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with scripted_server(Answer(302, b"", {"Location": "/b.pdf?sig=s3cret2"}), Answer(200, CONTENT)) as server:
        assert copied(f"{server.url}/in/a.pdf?sig=s3cret") == CONTENT
    assert [request.path for request in server.requests] == ["/in/a.pdf?sig=s3cret", "/b.pdf?sig=s3cret2"]
    assert "s3cret" not in caplog.text


def test_user_and_password_of_a_url_are_used_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with scripted_server(Answer(200, CONTENT)) as server:
        assert copied(server.url.replace("://", "://user:s3cret@") + "/a.pdf") == CONTENT
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("last", ["..", "a%2F..%2F..%2Fb.pdf", "%00", "a" * 300, ""])
def test_the_last_part_of_a_url_can_be_anything(last: str) -> None:
    with scripted_server(Answer(200, CONTENT)) as server:
        assert copied(f"{server.url}/in/{last}") == CONTENT


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(404), DocumentNotFound),
        (Answer(410), DocumentNotFound),
        (Answer(401), DocumentNotReadable),
        (Answer(403, b"<Error>SignatureDoesNotMatch</Error>"), DocumentNotReadable),
        (Answer(500), DocumentNotReadable),
        (Answer(302, b"", {"Location": "/again"}), DocumentNotReadable),
        (Answer(302, b"", {"Location": "file:///etc/passwd"}), DocumentNotReadable),
        (Answer(200, b""), DocumentEmpty),
        (Answer(204), DocumentEmpty),
        (Fault.HANG_UP, DocumentNotReadable),
        (Fault.BREAK_OFF, DocumentNotReadable),
    ],
)
def test_a_url_that_gives_no_document(answer: Answer | Fault, kind: type[DocumentError]) -> None:
    with scripted_server(answer) as server:
        assert type(download_error(f"{server.url}/a.pdf?sig=s3cret")) is kind


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "[::1", "x.org:99999", "a b", ""])
def test_a_url_whose_host_is_none(host: str) -> None:
    assert type(download_error(f"https://{host}/a.pdf?sig=s3cret")) is DocumentNotReadable


@pytest.mark.parametrize("target", ["/a%2Fb.pdf", "/a%7Eb", "/a?sig=a%2Fb%3D", "/a?sig=a%2fb", "/a?sig=a+b%20/?c"])
def test_a_signed_url_is_sent_as_it_is_written(target: str) -> None:
    with scripted_server(Answer(200, CONTENT)) as server:
        copied(server.url + target)
    assert server.requests[0].path == target


def test_what_a_url_cannot_have_is_escaped() -> None:
    with scripted_server(Answer(200, CONTENT)) as server:
        copied(f"{server.url}/a ü.pdf")
    assert server.requests[0].path == "/a%20%C3%BC.pdf"


def test_a_redirect_keeps_the_signature_it_names() -> None:
    with scripted_server(Answer(302, b"", {"Location": "/b.pdf?sig=a%2Fb%3D"}), Answer(200, CONTENT)) as server:
        copied(f"{server.url}/a.pdf")
    assert server.requests[1].path == "/b.pdf?sig=a%2Fb%3D"


def test_a_compressed_answer_is_decompressed() -> None:
    with scripted_server(Answer(200, gzip.compress(CONTENT), {"Content-Encoding": "gzip"})) as server:
        assert copied(f"{server.url}/a.pdf") == CONTENT


def test_no_logger_of_another_library_is_touched() -> None:
    assert not logging.getLogger("httpx").filters


# --- servers that mean harm ---------------------------------------------------------------

Serve = Callable[[socket.socket], None]


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """Run a server that answers each connection with the bytes that ``serve`` sends, until the client leaves."""

    def work() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the listener was closed
                return
            with connection, suppress(OSError):
                connection.recv(65536)
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.pdf?sig=s3cret"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def repeat(connection: socket.socket, piece: bytes, seconds: float = 0.05) -> None:
    while True:
        connection.sendall(piece)
        time.sleep(seconds)


def drip_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    repeat(connection, b"x")


def endless_interim(connection: socket.socket) -> None:
    repeat(connection, b"HTTP/1.1 102 Processing\r\n\r\n", 0.01)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    repeat(connection, b"x")


def endless_redirects(connection: socket.socket) -> None:
    time.sleep(0.2)
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /a.pdf\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def silence(connection: socket.socket) -> None:
    connection.recv(1)  # until the client leaves


@pytest.mark.parametrize("serve", [drip_head, endless_interim, drip_body, endless_redirects, silence])
def test_one_deadline_holds_for_the_whole_exchange(serve: Serve, tmp_path: Path) -> None:
    with raw_server(serve) as url, pytest.raises(DocumentNotReadable, match="not fetched within 1 s") as raised:
        download(url, tmp_path / "a", label="the label", limits=DownloadLimits(seconds=1.0))
    assert raised.value.retryable
    assert "the label" in str(raised.value)


def test_a_silent_server_is_given_up_before_the_deadline(tmp_path: Path) -> None:
    limits = DownloadLimits(seconds=3600.0, silent_seconds=0.5)
    with raw_server(silence) as url, pytest.raises(DocumentNotReadable, match="silent for 0"):
        download(url, tmp_path / "a", label="the label", limits=limits)


def endless_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    repeat(connection, b"10000\r\n" + bytes(0x10000) + b"\r\n", 0)


def decompressing_body(connection: socket.socket) -> None:
    body = gzip.compress(bytes(10_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    assert len(body) < 100_000
    connection.sendall(head.encode() + body)


def announced_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    connection.recv(1)


@pytest.mark.parametrize("serve", [endless_body, decompressing_body, announced_body])
def test_a_document_of_too_many_bytes_is_broken_off(serve: Serve, tmp_path: Path) -> None:
    target = tmp_path / "a"
    with raw_server(serve) as url, pytest.raises(DocumentTooLarge, match="the label"):
        download(url, target, label="the label", limits=DownloadLimits(bytes=500_000))
    assert not target.exists() or target.stat().st_size <= 500_000


def test_a_caller_that_is_interrupted_ends_the_download(tmp_path: Path) -> None:
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b.pdf\r\nContent-Length: 0\r\n\r\n")
        connection.recv(1)
        ended.set()

    def interrupt(url: str) -> None:
        raise KeyboardInterrupt

    with raw_server(serve) as url:
        with pytest.raises(KeyboardInterrupt):
            download(url, tmp_path / "a", label="the label", check_redirect=interrupt)
        assert ended.wait(10)
