"""
Store the documents that wait to be classified in an object storage, or in a folder that several machines share.

A document arrives in a folder of this machine. When it is complete, it is copied to the storage. So the storage never
has half a document, and an upload is never held in memory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_classify.documents.reference import label_of
from airflow_provider_classify.documents.storage_errors import storage_error
from airflow_provider_classify.exceptions import ExtraNotInstalled, ServiceNotStarted
from airflow_provider_classify.service.upload_folder import MAX_TOTAL_BYTES, Upload, UploadFolder, sync

#: The extra of this package that installs the driver of a storage, by the scheme of the storage's URL.
_EXTRA_OF_PROTOCOL = {"s3": "s3", "s3a": "s3"}
_PROBE = ".probe"


class ObjectDocuments:
    """
    The documents in a folder of a storage that fsspec opens.

    fsspec finds the credentials: environment variables, files of the cloud's tools, or the identity of the machine.

    :param url: the folder, such as ``s3://bucket/documents``.
    :param arriving: the folder of this machine for documents that arrive or are being classified.
    :param max_total_bytes: the most bytes of all documents together, of all processes.
    :raises ServiceNotStarted: the URL cannot be used.
    :raises ExtraNotInstalled: the storage's driver is not installed.
    """

    def __init__(self, url: str, arriving: UploadFolder, *, max_total_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._files, self._root = _open(url)
        self._is_local = "file" in _protocols(self._files)
        self._arriving = arriving
        self.max_bytes = arriving.max_bytes
        self.max_total_bytes = max_total_bytes

    def create(self, job_id: str) -> Upload:
        """Open a new file for the job's document. :raises StorageFull: this machine has no space."""
        self._arriving.check_room()
        return _ObjectUpload(self, self._arriving, job_id)

    @contextmanager
    def opened(self, job_id: str) -> Iterator[str]:
        """Provide a copy of the job's document during a block. :raises StorageError: it could not be read."""
        with tempfile.TemporaryDirectory(dir=self._arriving.folder) as folder:
            path = os.path.join(folder, job_id)
            with self._errors("read", job_id):
                self._files.get_file(self._name(job_id), path)
            yield path

    def put(self, job_id: str, path: str) -> None:
        """Copy a file of this machine to the storage. :raises StorageError: it could not be written."""
        with self._errors("written", job_id):
            self._files.put_file(path, self._name(job_id))
            if self._is_local:  # Other storages reply only when the document survives a loss of power.
                sync(self._name(job_id))
                sync(self._root)

    def remove(self, job_id: str) -> None:
        """Delete the job's document, if there is one. :raises StorageError: it could not be deleted."""
        with self._errors("deleted", job_id):
            try:
                self._files.rm_file(self._name(job_id))
            except FileNotFoundError:
                return

    def job_ids(self) -> set[str]:
        """Return the ids of the jobs whose documents are stored. :raises StorageError: they could not be listed."""
        with self._errors("listed"):
            try:
                listed = self._files.ls(self._root, detail=False)
            except FileNotFoundError:  # There was no document yet.
                return set()
        names = {str(path).rstrip("/").rpartition("/")[2] for path in listed}
        return {name for name in names if "." not in name}

    def check_writable(self) -> None:
        """
        Check that a document could be written.

        :raises StorageFull: this machine has no space.
        :raises OSError: the folder of this machine cannot be written.
        :raises StorageError: the storage cannot be written.
        """
        self._arriving.check_writable()
        with self._errors("written"):
            self._files.pipe_file(self._name(_PROBE), b"probe")

    def prepare(self) -> None:
        """
        Create a folder on a disk, and check that a document could be written. This never creates a bucket.

        :raises StorageFull: this machine has no space.
        :raises OSError: the folder of this machine cannot be written.
        :raises StorageError: the storage cannot be written.
        """
        if self._is_local:
            with self._errors("created"):
                self._files.makedirs(self._root, exist_ok=True)
        self.check_writable()

    def _name(self, job_id: str) -> str:
        return f"{self._root}/{job_id}"

    @contextmanager
    def _errors(self, action: str, job_id: str | None = None) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the drivers have errors of many kinds
            label = f"The document of the job {job_id}" if job_id else f"The folder {self._root} of documents"
            raise storage_error(error, action, label=label, conn_id=None, is_local=self._is_local) from error


class _ObjectUpload(Upload):
    """A document that is copied to the storage when it has arrived."""

    _is_durable = False  # Only the copy in the storage must survive a loss of power.

    def __init__(self, documents: ObjectDocuments, arriving: UploadFolder, job_id: str) -> None:
        super().__init__(arriving, job_id)
        self._documents = documents
        self._is_stored = False

    def commit(self) -> None:
        """Copy the document to the storage. :raises StorageError: it could not be written."""
        super().commit()
        if os.path.exists(self._path):  # Another thread may have discarded it.
            self._documents.put(self._job_id, self._path)
            self._is_stored = True
            super().discard()

    def discard(self) -> None:
        """Delete the document."""
        super().discard()
        if self._is_stored:
            self._documents.remove(self._job_id)


def _open(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        extra = _EXTRA_OF_PROTOCOL.get(url.partition(":")[0])
        package = f"airflow-provider-classify[{extra}]" if extra else "the driver that fsspec names for it"
        # fsspec raises an ImportError of its own, whose cause names the module.
        driver = getattr(error.__cause__, "name", None) or error.name or "a driver"
        raise ExtraNotInstalled(
            f"The storage {label_of(url)} of documents needs {driver}; install {package}."
        ) from error
    except ValueError as error:
        raise ServiceNotStarted(
            f"The storage {label_of(url)} of documents cannot be opened by fsspec; write it like s3://bucket/folder."
        ) from error
    return files, root.rstrip("/")


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
