"""
Replace, rename and delete files, each in the way that keeps an earlier file whole.

``naming`` is a function whose context turns what a storage raises into an error that names the file; its
argument says what is tried.
"""

from __future__ import annotations

import io
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, BinaryIO, cast

Naming = Callable[[str], AbstractContextManager[None]]


@contextmanager
def write_and_rename(fs: Any, target: str, naming: Naming) -> Iterator[BinaryIO]:
    """Write to a new file in the same folder of a file system, and rename it at the end."""
    folder, _, name = target.rpartition("/")
    temporary = f"{folder}/.{name[:100]}.{uuid.uuid4().hex[:8]}.tmp"
    with naming("written"):
        if fs.isdir(target):
            raise IsADirectoryError(target)
        fs.makedirs(folder or "/", exist_ok=True)
        file = fs.open(temporary, "wb")
    renamed = False
    try:
        with file:
            yield cast("BinaryIO", _Named(file, naming))
        with naming("written"):
            _rename(fs, temporary, target)
        renamed = True
    finally:
        if not renamed:
            with naming("written"):
                delete(fs, temporary)


@contextmanager
def write_and_upload(fs: Any, target: str, naming: Naming) -> Iterator[BinaryIO]:
    """
    Write to a file on this machine, and upload it at the end.

    The object that a storage's client writes would appear when it is closed, also if it is not complete.
    """
    with tempfile.NamedTemporaryFile(prefix="airflow-classify-") as file:
        yield cast("BinaryIO", file)
        file.flush()
        with naming("written"):
            fs.put_file(file.name, target)


class _Named(io.RawIOBase):
    """A file whose failures at a write are named: a disk can be full."""

    def __init__(self, file: Any, naming: Naming) -> None:
        self._file = file
        self._naming = naming

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with self._naming("written"):
            return int(self._file.write(data))

    def tell(self) -> int:
        return int(self._file.tell())

    def flush(self) -> None:
        with self._naming("written"):
            self._file.flush()


def _rename(fs: Any, source: str, target: str) -> None:
    from fsspec import AbstractFileSystem

    if type(fs).mv is AbstractFileSystem.mv:  # which takes [ and * in a name for a pattern
        fs.cp_file(source, target)
        fs.rm_file(source)
    else:
        fs.mv(source, target)


def delete(fs: Any, name: str) -> None:
    """Delete a file. A missing file is no error."""
    with suppress(FileNotFoundError):
        fs.rm_file(name)


def remove_empty_folders(fs: Any, root: str, names: list[str]) -> None:
    """Remove the folders that these files were in. One in which another process has put something stays."""
    below = {name[: match.start()] for name in names for match in re.finditer("/", name)}
    for folder in [*sorted(below, key=len, reverse=True), ""]:
        path = f"{root.rstrip('/')}/{folder}" if folder else root
        with suppress(FileNotFoundError):
            if not fs.ls(path, detail=False):
                fs.rmdir(path)
