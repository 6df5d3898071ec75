"""Files of a storage are replaced only by complete ones."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.documents.storage_writing import write_and_upload
from airflow_provider_classify.exceptions import StorageUnavailable


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let each write beyond this size fail, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def fill(file: BinaryIO) -> None:
    for _ in range(64):
        file.write(bytes(1024 * 1024))


@contextmanager
def named(action: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"out.jsonl cannot be {action}") from error


@pytest.mark.parametrize("name", ["日" * 79, "ü" * 122, "x" * 244])
def test_a_name_as_long_as_a_file_system_allows(tmp_path: Path, name: str) -> None:
    path = StoragePath(str(tmp_path / name))
    path.write_bytes(b"one")
    path.write_bytes(b"two")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(name, b"two")]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = StoragePath(str(tmp_path / "out.jsonl"))
    path.write_bytes(b"whole")

    def write() -> None:
        with path.write() as file:
            fill(file)

    with files_of_at_most(32 * 1024 * 1024), pytest.raises(StorageUnavailable, match=r"out\.jsonl"):
        write()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("out.jsonl", b"whole")]


def test_an_upload_from_a_full_disk_names_the_object() -> None:
    storage = MemoryFileSystem()
    storage.pipe_file("/bucket/out.jsonl", b"whole")

    def write() -> None:
        with write_and_upload(storage, "/bucket/out.jsonl", named) as file:
            fill(file)

    with files_of_at_most(32 * 1024 * 1024), pytest.raises(StorageUnavailable, match=r"out\.jsonl cannot be written"):
        write()
    assert storage.cat_file("/bucket/out.jsonl") == b"whole"
    storage.rm("/bucket", recursive=True)
