from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentError,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
)
from airflow_provider_classify.model.contract import MAX_BYTES
from tests.support.scripted_server import Answer, Fault, scripted_server
from tests.support.storage import attach

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scan 1.pdf"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def in_storage() -> Iterator[str]:
    """A document on an object storage: fsspec's, which is in memory and otherwise like any other."""
    attach("memory", fs=MemoryFileSystem())
    stored = ObjectStoragePath("memory://bucket/in/scan 1.pdf")
    stored.write_bytes(CONTENT)
    yield "memory://bucket/in/scan 1.pdf"
    MemoryFileSystem.store.clear()


def opened(reference: str) -> bytes:
    with Document(reference).open() as stream:
        return stream.read()


def copied(reference: str) -> bytes:
    with Document(reference).local_copy() as copy:
        return copy.read_bytes()


# --- what a document is called ------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "label", "name", "is_url"),
    [
        ("/in/scan 1.pdf", "/in/scan 1.pdf", "scan 1.pdf", False),
        ("scan.pdf", "scan.pdf", "scan.pdf", False),
        ("/in/50%25?#.pdf", "/in/50%25?#.pdf", "50%25?#.pdf", False),
        ("C:/in/scan.pdf", "C:/in/scan.pdf", "scan.pdf", False),
        ("file:///in/scan.pdf", "file:///in/scan.pdf", "scan.pdf", False),
        ("s3://bucket/in/scan.pdf", "s3://bucket/in/scan.pdf", "scan.pdf", False),
        ("s3://aws_default@bucket/in/a@b.pdf", "s3://bucket/in/a@b.pdf", "a@b.pdf", False),
        ("https://x.org/in/a%20b.pdf?sig=s3cret#p=s3cret", "https://x.org/in/a%20b.pdf", "a b.pdf", True),
        ("HTTP://x.org/a.pdf", "HTTP://x.org/a.pdf", "a.pdf", True),
        ("https://user:s3cret@x.org:8443/a.pdf", "https://x.org:8443/a.pdf", "a.pdf", True),
        ("https://user:p@s3cret@x.org/a.pdf", "https://x.org/a.pdf", "a.pdf", True),
        ("https://x.org?sig=s3cret", "https://x.org", "document", True),
        ("https://x.org/", "https://x.org/", "document", True),
        ("https://[::1/a.pdf?sig=s3cret", "https://[::1/a.pdf", "a.pdf", True),
    ],
)
def test_a_document_is_called_by_its_reference_without_what_is_secret(
    reference: str, label: str, name: str, is_url: bool
) -> None:
    document = Document(reference)
    assert (document.label, document.name, document.is_url) == (label, name, is_url)
    assert "s3cret" not in document.label


# --- files --------------------------------------------------------------------------------


def test_a_local_path_is_read_where_it_is(path: Path) -> None:
    assert opened(str(path)) == CONTENT
    with Document(str(path)).local_copy() as copy:
        assert copy == path
    assert path.exists()


def test_a_file_uri(path: Path) -> None:
    reference = f"file://{path}"
    assert opened(reference) == CONTENT
    assert copied(reference) == CONTENT


@pytest.mark.parametrize("read", [opened, copied])
def test_object_storage(in_storage: str, read: object) -> None:
    assert read(in_storage) == CONTENT


def test_the_copy_of_a_remote_document_is_gone_after_use(in_storage: str) -> None:
    with Document(in_storage).local_copy() as copy:
        folder = copy.parent
        assert copy.read_bytes() == CONTENT
    assert not folder.exists()


def test_the_copy_is_gone_after_a_failure_too(in_storage: str) -> None:
    def fail_on(copy: Path) -> None:
        raise RuntimeError(str(copy.parent))

    with pytest.raises(RuntimeError) as raised, Document(in_storage).local_copy() as copy:
        fail_on(copy)
    assert not Path(str(raised.value)).exists()


def refused(reference: str) -> DocumentError:
    """The error of both ways to read a document, which must agree."""
    errors = []
    for read in (opened, copied):
        with pytest.raises(DocumentError) as raised:
            read(reference)
        errors.append(raised.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]) == str(errors[1])
    assert Document(reference).label in str(errors[0])
    return errors[0]


@pytest.mark.parametrize("missing", ["none.pdf", "none/none.pdf", "scan 1.pdf/none.pdf", "", "."])
def test_nothing_is_there(path: Path, missing: str) -> None:
    for reference in (str(path.parent / missing), f"file://{path.parent / missing}"):
        error = refused(reference)
        assert type(error) is DocumentNotFound
        assert not error.retryable
        assert error.__cause__ is not None


def test_nothing_is_there_on_object_storage(in_storage: str) -> None:
    assert type(refused("memory://bucket/none.pdf")) is DocumentNotFound
    assert type(refused("memory://other/scan 1.pdf")) is DocumentNotFound


def test_an_empty_file(tmp_path: Path, in_storage: str) -> None:
    empty = tmp_path / "empty.pdf"
    empty.touch()
    ObjectStoragePath("memory://bucket/empty.pdf").write_bytes(b"")
    for reference in (str(empty), f"file://{empty}", "memory://bucket/empty.pdf"):
        assert type(refused(reference)) is DocumentEmpty


def test_the_size_that_is_just_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES)
    with Document(str(large)).open() as stream:
        assert stream.read(1) == b"\0"
    with large.open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    error = refused(str(large))
    assert type(error) is DocumentTooLarge
    assert "500 MB" in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(path: Path) -> None:
    path.chmod(0)
    error = refused(str(path))
    assert type(error) is DocumentNotReadable
    assert error.retryable


@pytest.mark.parametrize("odd", ["a\0b.pdf", "a" * 300 + ".pdf"])
def test_a_path_that_no_file_can_have(tmp_path: Path, odd: str) -> None:
    assert isinstance(refused(str(tmp_path / odd)), DocumentNotReadable)


def test_a_storage_that_is_not_installed() -> None:
    error = refused("nosuchstorage://bucket/a.pdf")
    assert type(error) is DocumentNotReadable
    assert "provider" in str(error)


def test_what_has_no_size_cannot_be_sent() -> None:
    reading, writing = os.pipe()
    try:
        assert type(refused(f"/dev/fd/{reading}")) is DocumentNotReadable
    finally:
        os.close(reading)
        os.close(writing)


# --- downloads ----------------------------------------------------------------------------


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


def test_a_download_that_is_too_large_is_broken_off() -> None:
    # The server promises more than it ever sends: only a client that counts can end this.
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                piece = b"1000000\r\n" + bytes(0x1000000) + b"\r\n"
                try:
                    while True:
                        connection.sendall(piece)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        error = download_error(f"http://127.0.0.1:{listener.getsockname()[1]}/endless.pdf")
        thread.join()
    assert type(error) is DocumentTooLarge
