"""
Files and folders on object storage, and on this machine.

Documents, batch records and outputs are read and written here. Three rules hold for every storage: a file is
replaced only by a complete new one; no bucket or container is created; every failure is a :class:`StorageError`
or a :class:`ConnectionNotUsable` that names the file and the connection.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from airflow_provider_classify.documents.storage_errors import storage_error
from airflow_provider_classify.documents.storage_listing import ListedFile, file_names, listed_files
from airflow_provider_classify.documents.storage_path import open_storage
from airflow_provider_classify.documents.storage_writing import (
    delete_file,
    delete_files,
    remove_empty_folders,
    write_and_rename,
    write_and_upload,
)
from airflow_provider_classify.exceptions import ClassifyError, StorageNotFound
from airflow_provider_classify.model.printable_text import encodable

#: Schemes that have real folders and can rename files. Every other scheme is an object store: an upload appears
#: complete or not at all, and a folder is only a common prefix of names.
_WITH_FOLDERS = frozenset(
    {"", "file", "local", "memory", "sftp", "ssh", "smb", "hdfs", "webhdfs", "viewfs", "ftp", "dbfs"}
)


@dataclass(frozen=True, slots=True)
class StoragePath:
    """
    A file or folder by its reference: a local path, ``file:///path`` or ``scheme://conn_id@bucket/key``.

    Without a connection id, the defaults of the storage client apply, such as the machine's identity.
    """

    reference: str

    @property
    def conn_id(self) -> str | None:
        """The Airflow connection that the URI names."""
        host = self._rest.partition("/")[0]
        return host.rpartition("@")[0] or None

    @property
    def label(self) -> str:
        """The reference without the connection, for messages."""
        if not self._scheme:
            return encodable(self.reference)
        host, slash, path = self._rest.partition("/")
        return encodable(f"{self._scheme}://{host.rpartition('@')[2]}{slash}{path}")

    def __truediv__(self, name: str) -> StoragePath:
        return StoragePath(f"{self.reference.rstrip('/')}/{name}")

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        A later read can raise an error of the storage client. :meth:`read_bytes` and :meth:`open_whole` raise
        a :class:`StorageError` instead.

        :raises StorageError: the file does not exist or cannot be read.
        :raises ConnectionNotUsable: the connection does not exist or does not open a storage.
        """
        with self._with_file_name("opened"):
            path = self._open_storage()
            self._forget_listings(path)
            return cast("BinaryIO", path.open("rb"))

    def read_bytes(self) -> bytes:
        """Return the content of the file. :raises StorageError: as :meth:`open`."""
        with self._with_file_name("read"), self.open() as file:
            return file.read()

    @contextmanager
    def open_whole(self) -> Iterator[BinaryIO]:
        """
        Provide an open copy of the file on this machine, for readers that seek or are slow.

        :raises StorageError: as :meth:`open`.
        """
        with tempfile.TemporaryFile() as copy:
            with self._with_file_name("read"), self.open() as file:
                shutil.copyfileobj(file, copy, 1024 * 1024)
            copy.seek(0)
            yield cast("BinaryIO", copy)

    def exists(self) -> bool:
        """
        Return whether the file or folder exists.

        :raises StorageError: the storage refused the request or cannot be reached.
        """
        with self._with_file_name("checked"):
            path = self._open_storage()
            self._forget_listings(path)
            try:
                path.fs.info(path.path)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def list_files(self, pattern: str = "*") -> list[str]:
        """
        Return the references of the files in the folder, sorted.

        For an object store, return an empty list if only the bucket exists.

        :param pattern: a pattern of ``glob``: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
        :raises StorageNotFound: there is no such folder. For an object store: there is no such bucket.
        :raises StorageError: the storage refused the request or cannot be reached.
        """
        matches = pattern_matcher(pattern)
        depth = pattern_depth(pattern)
        root = self.reference.rstrip("/") or "/"
        with self._with_file_name("listed"):
            path = self._open_storage()
            self._forget_listings(path)
            names = [
                name
                for name in file_names(path.fs, path.path, depth=depth, has_folders=self._has_folders)
                if matches(name)
            ]
        return sorted(f"{root.rstrip('/')}/{name}" for name in names)

    def scan(self, depth: int | None) -> Iterator[ListedFile]:
        """
        Yield the files of the folder with size and version, in the order of the storage.

        :param depth: how many levels of folders are listed, at least 1; ``None`` for all.
        :raises StorageError: as :meth:`list_files`.
        """
        with self._with_file_name("listed"):
            path = self._open_storage()
            self._forget_listings(path)
            yield from listed_files(path.fs, path.path, depth=depth, has_folders=self._has_folders)

    @contextmanager
    def write(self) -> Iterator[BinaryIO]:
        """
        Provide a temporary file to write to. It replaces this file when the block ends.

        If the block raises an error, this file does not change.

        :raises StorageError: the storage refused the request, cannot be reached, or has no such bucket.
        """
        with self._with_file_name("written"):
            path = self._open_storage()
        writing = write_and_rename if self._has_folders else write_and_upload
        with writing(path.fs, path.path, self._with_file_name) as file:
            yield file

    def write_bytes(self, data: bytes) -> None:
        """Replace the content of the file. :raises StorageError: as :meth:`write`."""
        if self._has_folders:
            with self.write() as file:
                file.write(data)
            return
        with self._with_file_name("written"):
            path = self._open_storage()
            path.fs.pipe_file(path.path, data)

    def delete_folder(self) -> None:
        """
        Delete the files of the folder, then the folder if it is empty. Do nothing if there is no such folder.

        :raises StorageError: the storage refused the request or cannot be reached.
        """
        with self._with_file_name("deleted"):
            path = self._open_storage()
            self._forget_listings(path)
            try:
                names = list(file_names(path.fs, path.path, depth=None, has_folders=self._has_folders))
            except (FileNotFoundError, NotADirectoryError, StorageNotFound):
                return
            delete_files(path.fs, path.path, names)
            if self._has_folders:
                remove_empty_folders(path.fs, path.path, names)

    def delete(self) -> None:
        """Delete the file. Do nothing if it does not exist. :raises StorageError: as :meth:`delete_folder`."""
        with self._with_file_name("deleted"):
            path = self._open_storage()
            delete_file(path.fs, path.path)

    def delete_if_empty(self) -> None:
        """Delete the folder if it is empty. :raises StorageError: as :meth:`delete_folder`."""
        if self._has_folders:
            with self._with_file_name("deleted"):
                path = self._open_storage()
                remove_empty_folders(path.fs, path.path, [])

    @property
    def _scheme(self) -> str:
        scheme, separator, _ = self.reference.partition("://")
        return scheme.lower() if separator else ""

    @property
    def _rest(self) -> str:
        return self.reference.partition("://")[2]

    @property
    def _has_folders(self) -> bool:
        return self._scheme in _WITH_FOLDERS

    def _open_storage(self) -> Any:
        return open_storage(self.reference, label=self.label, conn_id=self.conn_id, scheme=self._scheme)

    def _forget_listings(self, path: Any) -> None:
        """Empty the cache of listings, because other processes also write to the storage."""
        path.fs.invalidate_cache(path.path)

    @contextmanager
    def _with_file_name(self, action: str) -> Iterator[None]:
        """Raise the errors of a storage client as errors that name the file."""
        try:
            yield
        except ClassifyError:
            raise
        except Exception as error:  # each storage client raises its own kinds of errors
            raise storage_error(
                error,
                action,
                label=self.label,
                conn_id=self.conn_id,
                is_local=self._scheme in ("", "file", "local"),
            ) from error


def pattern_matcher(pattern: str) -> Callable[[str], object]:
    """Return a function that returns whether a name relative to a folder matches a pattern of ``glob``."""
    from fsspec.utils import glob_translate

    return re.compile(glob_translate(pattern)).fullmatch


def pattern_depth(pattern: str) -> int | None:
    """Return how many levels of folders a pattern reaches; ``None`` for all."""
    return None if "**" in pattern else pattern.count("/") + 1
