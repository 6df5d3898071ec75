"""
Files and folders on object storage, and on this machine.

Documents, batch records and outputs go through here. Three rules hold for every storage: a file is replaced only
by a complete new one; no bucket or container is created; every failure is a :class:`StorageError`, or
:class:`ConnectionNotUsable`, that names the file and the connection.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from airflow_provider_classify.documents.listing import list_names
from airflow_provider_classify.documents.storage_connection import object_storage_path
from airflow_provider_classify.documents.storage_errors import storage_error
from airflow_provider_classify.documents.storage_writing import (
    delete,
    remove_empty_folders,
    write_and_rename,
    write_and_upload,
)
from airflow_provider_classify.exceptions import ClassifyError, StorageNotFound

#: Schemes with real folders, which are created as needed, and with a rename. Every other scheme is an object
#: store: an upload appears whole or not at all, a folder is a common prefix, and what can be created is a bucket.
_WITH_FOLDERS = frozenset(
    {"", "file", "local", "memory", "sftp", "ssh", "smb", "hdfs", "webhdfs", "viewfs", "ftp", "dbfs"}
)
#: Objects that are deleted at the same time.
_DELETES = 16


@dataclass(frozen=True, slots=True)
class StoragePath:
    """
    A file or folder by its reference: a local path, ``file:///path`` or ``scheme://conn_id@bucket/key``.

    Without a connection id the storage's own defaults apply, such as the machine's identity.
    """

    reference: str

    @property
    def conn_id(self) -> str | None:
        """The Airflow connection that the URI names."""
        host = self._rest.partition("/")[0]
        return host.rpartition("@")[0] or None

    @property
    def label(self) -> str:
        """The reference as it may be shown, without the connection."""
        if not self._scheme:
            return _printable(self.reference)
        host, slash, path = self._rest.partition("/")
        return _printable(f"{self._scheme}://{host.rpartition('@')[2]}{slash}{path}")

    def __truediv__(self, name: str) -> StoragePath:
        return StoragePath(f"{self.reference.rstrip('/')}/{name}")

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        Later reads can fail with errors of the storage's client; :meth:`read_bytes` and :meth:`open_lines` name these.

        :raises StorageError: it is not there or cannot be read.
        :raises ConnectionNotUsable: the connection does not exist or does not open a storage.
        """
        with self._naming("opened"):
            path = self._object_storage_path()
            self._forget_listings(path)
            return cast("BinaryIO", path.open("rb"))

    def read_bytes(self) -> bytes:
        """Return the content of the file. :raises StorageError: as :meth:`open`."""
        with self._naming("read"), self.open() as file:
            return file.read()

    @contextmanager
    def open_whole(self) -> Iterator[BinaryIO]:
        """
        Provide a copy of the file on this machine, for readers that seek or take their time.

        :raises StorageError: as :meth:`open`.
        """
        with tempfile.TemporaryFile() as copy:
            with self._naming("read"), self.open() as file:
                shutil.copyfileobj(file, copy, 1024 * 1024)
            copy.seek(0)
            yield cast("BinaryIO", copy)

    def exists(self) -> bool:
        """
        Return whether there is a file or folder.

        :raises StorageError: the storage refused or cannot be reached, so it is not known.
        """
        with self._naming("looked for"):
            path = self._object_storage_path()
            self._forget_listings(path)
            try:
                path.fs.info(path.path)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def list_files(self, pattern: str = "*") -> list[str]:
        """
        Return the references of the files in the folder, sorted.

        An empty prefix of an object store has no files; its bucket has to exist.

        :param pattern: as of ``glob``: ``*.pdf``, or ``**/*.pdf`` for all subfolders too.
        :raises StorageNotFound: there is no such folder, or no such bucket.
        :raises StorageError: the storage refused or cannot be reached.
        """
        root = self.reference.rstrip("/")
        with self._naming("listed"):
            path = self._object_storage_path()
            self._forget_listings(path)
            names = list_names(path.fs, path.path, pattern, has_folders=self._has_folders)
            references = sorted(f"{root}/{name}" for name in names)
            self._forget_listings(path)
        return references

    @contextmanager
    def write(self) -> Iterator[BinaryIO]:
        """
        Provide a file to write to, which replaces this one when the block ends.

        If the block raises, this file stays as it was.

        :raises StorageError: the storage refused or cannot be reached, or the bucket does not exist.
        """
        with self._naming("written"):
            path = self._object_storage_path()
        writing = write_and_rename if self._has_folders else write_and_upload
        with writing(path.fs, path.path, self._naming) as file:
            yield file

    def write_bytes(self, data: bytes) -> None:
        """Replace the file by one with this content. :raises StorageError: as :meth:`write`."""
        if self._has_folders:
            with self.write() as file:
                file.write(data)
            return
        with self._naming("written"):
            path = self._object_storage_path()
            path.fs.pipe_file(path.path, data)

    def delete_folder(self) -> None:
        """
        Delete the files of the folder, and the folder if nothing else is in it. A missing folder is no error.

        :raises StorageError: the storage refused or cannot be reached.
        """
        with self._naming("deleted"):
            path = self._object_storage_path()
            self._forget_listings(path)
            try:
                names = list(list_names(path.fs, path.path, None, has_folders=self._has_folders))
            except (FileNotFoundError, NotADirectoryError, StorageNotFound):
                return
            with ThreadPoolExecutor(_DELETES) as threads:
                deleted = threads.map(functools.partial(delete, path.fs), (f"{path.path}/{name}" for name in names))
                for _ in deleted:  # raises what a thread raised
                    pass
            if self._has_folders:
                remove_empty_folders(path.fs, path.path, names)

    def delete(self) -> None:
        """Delete the file. A missing file is no error. :raises StorageError: as :meth:`delete_folder`."""
        with self._naming("deleted"):
            path = self._object_storage_path()
            delete(path.fs, path.path)

    def delete_if_empty(self) -> None:
        """Delete the folder if nothing is in it. :raises StorageError: as :meth:`delete_folder`."""
        if self._has_folders:
            with self._naming("deleted"):
                path = self._object_storage_path()
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

    def _object_storage_path(self) -> Any:
        return object_storage_path(self.reference, self.conn_id, self.label)

    def _forget_listings(self, path: Any) -> None:
        """Make the file system ask its server: other processes write here too."""
        path.fs.invalidate_cache(path.path)

    @contextmanager
    def _naming(self, action: str) -> Iterator[None]:
        """Turn what a storage raises into an error that names the file."""
        try:
            yield
        except ClassifyError:
            raise
        except Exception as error:  # each storage's client raises kinds of its own
            raise storage_error(error, action, self.label, self.conn_id) from error


def _printable(text: str) -> str:
    """Escape what is not UTF-8, as in a file name of another encoding."""
    return text.encode("utf-8", "backslashreplace").decode()
