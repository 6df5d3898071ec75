from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentError,
    DocumentNotAFile,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
    InvalidDocument,
)
from airflow_provider_classify.model.api_contract import MAX_BYTES
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
        ("s3://aws_default@bucket/in/a@b.pdf", "s3://aws_default@bucket/in/a@b.pdf", "a@b.pdf", False),
        ("s3://bucket/in/what?.pdf#1", "s3://bucket/in/what?.pdf#1", "what?.pdf#1", False),
        ("abfs://box/in/a.pdf?sv=1&sig=s3cret", "abfs://box/in/a.pdf", "a.pdf", False),
        ("ftp://user:s3cret@x.org/a.pdf", "ftp://x.org/a.pdf", "a.pdf", False),
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


@pytest.mark.parametrize("missing", ["none.pdf", "none/none.pdf", "scan 1.pdf/none.pdf"])
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


@pytest.mark.parametrize("folder", ["", ".", ".."])
def test_a_folder_is_refused_with_the_operator_that_takes_it(path: Path, folder: str) -> None:
    for reference in (f"{path.parent}/{folder}", f"file://{path.parent}/{folder}"):
        error = refused(reference)
        assert type(error) is DocumentNotAFile
        assert "ClassifyBatchOperator" in str(error)


def test_what_would_hang_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "link.pdf").symlink_to("pipe.pdf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.pdf"))
        for name in ("pipe.pdf", "link.pdf", "socket.pdf", "/dev/zero"):
            for reference in (str(tmp_path / name), f"file://{tmp_path / name}"):
                error = refused(reference)
                assert type(error) is DocumentNotAFile
                assert not error.retryable


def test_a_pipe_that_is_open_already_is_refused() -> None:
    reading, writing = os.pipe()
    try:
        assert type(refused(f"/dev/fd/{reading}")) is DocumentNotAFile
    finally:
        os.close(reading)
        os.close(writing)


# --- what a user passes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        ("/in/a.pdf", "/in/a.pdf"),
        (Path("/in/a.pdf"), "/in/a.pdf"),
        (Path(os.fsdecode(b"/in/\xff.pdf")), os.fsdecode(b"/in/\xff.pdf")),
        (ObjectStoragePath("s3://my_conn@bucket/a.pdf"), "s3://my_conn@bucket/a.pdf"),
        (ObjectStoragePath("s3://bucket/a.pdf", conn_id="my_conn"), "s3://my_conn@bucket/a.pdf"),
        (ObjectStoragePath("file:///in/a.pdf"), "file:///in/a.pdf"),
    ],
)
def test_a_document_is_made_of_any_kind_of_path(given: object, reference: str) -> None:
    assert Document.of(given) == Document(reference)
    assert Document.of(Document.of(given)) == Document(reference)


def test_a_path_of_an_object_storage_opens(in_storage: str) -> None:
    with Document.of(ObjectStoragePath(in_storage)).open() as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize(
    ("given", "words"), [(None, "None"), ("", "empty"), (" ", "empty"), ([], "list"), (3, "int"), (b"a.pdf", "bytes")]
)
def test_what_is_no_document_is_told(given: object, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        Document.of(given)


def test_a_template_without_a_value_is_told() -> None:
    assert "template" in str(refused("None"))
