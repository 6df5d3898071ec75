"""Replace and delete files of an fsspec file system."""

from __future__ import annotations

import functools
import io
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, BinaryIO, TypeAlias, cast

#: The most deletes that run concurrently.
_CONCURRENT_DELETES = 16

#: Returns a context that raises the errors of a storage client as errors of this package. Its argument is the action
#: that failed, as a participle such as ``written``.
WithFileName: TypeAlias = Callable[[str], AbstractContextManager[None]]


@contextmanager
def write_and_rename(fs: Any, target: str, with_file_name: WithFileName) -> Iterator[BinaryIO]:
    """Provide a temporary file in the folder of the target. Rename it at the end; delete it after an error."""
    folder, _, name = target.rpartition("/")
    beginning = name.encode(errors="ignore")[:100].decode(errors="ignore")  # file systems allow 255 bytes
    temporary = f"{folder}/.{beginning}.{uuid.uuid4().hex[:8]}.tmp"
    with with_file_name("written"):
        if fs.isdir(target):
            raise IsADirectoryError(target)
        fs.makedirs(folder or "/", exist_ok=True)
        file = fs.open(temporary, "wb")
    renamed = False
    try:
        with file:
            yield cast("BinaryIO", _OutputStream(file, with_file_name))
        with with_file_name("written"):
            _rename(fs, temporary, target)
        renamed = True
    finally:
        if not renamed:
            with with_file_name("written"):
                delete_file(fs, temporary)


@contextmanager
def write_and_upload(fs: Any, target: str, with_file_name: WithFileName) -> Iterator[BinaryIO]:
    """Provide a local file and upload it at the end. A direct upload would replace the target even after an error."""
    with tempfile.NamedTemporaryFile(prefix="airflow-classify-") as file:
        yield cast("BinaryIO", _OutputStream(file, with_file_name))
        with with_file_name("written"):
            file.flush()
            fs.put_file(file.name, target)


def delete_file(fs: Any, name: str) -> None:
    """Delete a file. Do nothing if it does not exist."""
    with suppress(FileNotFoundError):
        fs.rm_file(name)


def delete_files(fs: Any, folder: str, names: Sequence[str]) -> None:
    """
    Delete files, several at a time.

    :param names: the files, relative to the folder.
    """
    with ThreadPoolExecutor(_CONCURRENT_DELETES) as threads:
        deleted = threads.map(functools.partial(delete_file, fs), (f"{folder}/{name}" for name in names))
        for _ in deleted:  # raises the error of a thread
            pass


def remove_empty_folders(fs: Any, root: str, names: Sequence[str]) -> None:
    """Remove the folders of these files, and the root. Keep a folder in which another process has created a file."""
    below = {name[: match.start()] for name in names for match in re.finditer("/", name)}
    for folder in [*sorted(below, key=len, reverse=True), ""]:
        path = f"{root.rstrip('/')}/{folder}" if folder else root
        with suppress(FileNotFoundError):
            if not fs.ls(path, detail=False):
                fs.rmdir(path)


class _OutputStream(io.RawIOBase):
    """A file whose write errors name the file. Each write can fail, for example on a full disk."""

    def __init__(self, file: Any, with_file_name: WithFileName) -> None:
        self._file = file
        self._with_file_name = with_file_name

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with self._with_file_name("written"):
            return int(self._file.write(data))

    def tell(self) -> int:
        return int(self._file.tell())

    def flush(self) -> None:
        with self._with_file_name("written"):
            self._file.flush()


def _rename(fs: Any, source: str, target: str) -> None:
    from fsspec import AbstractFileSystem

    if type(fs).mv is AbstractFileSystem.mv:  # fsspec treats [ and * in a name as a pattern
        fs.cp_file(source, target)
        fs.rm_file(source)
    else:
        fs.mv(source, target)
