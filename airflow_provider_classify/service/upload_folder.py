"""
Store the documents that wait to be classified in a folder, one file for each job, named by the job's id.

A file gets its final name when it is complete. A job is recorded only when the file and its name are on the disk, so
that the job can run again after the machine has lost power.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from airflow_provider_classify.exceptions import DocumentTooLarge, StorageFull, StorageNotFound
from airflow_provider_classify.service.errors import is_disk_full

#: The most bytes of all documents together.
MAX_TOTAL_BYTES = 20 * 1024**3
#: Bytes of the disk that stay free.
MIN_FREE_BYTES = 512 * 1024**2
#: Bytes of an upload after which the free space is measured again.
_MEASURE_EVERY = 8 * 1024**2


class UploadFolder:
    """
    The folder of waiting documents. It is created if it does not exist.

    :param max_bytes: the most bytes of one document.
    :param max_total_bytes: the most bytes of all documents together.
    :param min_free_bytes: bytes of the disk that stay free.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        max_total_bytes: int = MAX_TOTAL_BYTES,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.absolute()
        self.max_bytes = max_bytes
        self.max_total_bytes = max_total_bytes
        self._min_free_bytes = min_free_bytes
        self._sizes: dict[str, int] = {}
        self._total = 0
        self._lock = threading.Lock()

    def path(self, job_id: str) -> str:
        """
        Return the path of the job's document. It may not exist.

        It is a text, because ``pathlib`` interns each part of a path, and Python's table of interned texts would grow
        with the ids of jobs.
        """
        return os.path.join(self.folder, job_id)

    def create(self, job_id: str) -> Upload:
        """
        Open a new file for the job's document.

        :raises StorageFull: there is no space.
        """
        self.check_room()
        return Upload(self, job_id)

    @contextmanager
    def opened(self, job_id: str) -> Iterator[str]:
        """Provide the path of the job's document during a block. :raises StorageNotFound: it has no document."""
        path = self.path(job_id)
        if not os.path.exists(path):
            raise StorageNotFound(f"The folder {self.folder} has no document of the job {job_id}; submit it again.")
        yield path

    def remove(self, job_id: str) -> None:
        """Delete the job's document, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(job_id))
        self.free(job_id)

    def job_ids(self) -> set[str]:
        """Return the ids of the jobs whose documents are stored."""
        return {name for name in os.listdir(self.folder) if "." not in name}

    def clear(self, keep: Container[str]) -> dict[str, int]:
        """
        Count the documents of the jobs in ``keep``. Delete the other files, which a killed service left.

        :returns: the size of each document in bytes, by the id of its job.
        """
        sizes: dict[str, int] = {}
        for path in self.folder.iterdir():
            if path.name in keep:
                sizes[path.name] = path.stat().st_size
                self.take(path.name, sizes[path.name])
            else:
                path.unlink()
        return sizes

    def check_room(self) -> None:
        """
        Check that the folder has room for another document.

        :raises StorageFull: the disk is too full, or all documents together have reached their limit.
        """
        free = shutil.disk_usage(self.folder).free
        if free < self._min_free_bytes:
            raise StorageFull(
                f"The disk of the folder {self.folder} has {free} bytes left, "
                f"and the service keeps {self._min_free_bytes} free; free some space there."
            )
        if self._total >= self.max_total_bytes:
            raise StorageFull(
                f"The documents in {self.folder} have reached the limit of {self.max_total_bytes} bytes; "
                "submit again when some have been classified."
            )

    def check_writable(self) -> None:
        """
        Check that a document could be written.

        :raises OSError: the folder cannot be written.
        :raises StorageFull: there is no space.
        """
        self.check_room()
        probe = self.folder / f".probe-{threading.get_ident()}"
        with _full_disk_as_storage_full():
            probe.write_bytes(b"probe")
            probe.unlink()

    def take(self, job_id: str, size: int) -> None:
        """
        Add bytes of the job's document to the count.

        :raises StorageFull: all documents together would exceed their limit. The bytes are not counted.
        """
        with self._lock:
            if self._total + size > self.max_total_bytes:
                raise StorageFull(
                    f"The documents in {self.folder} have reached the limit of {self.max_total_bytes} bytes; "
                    "submit again when some have been classified."
                )
            self._sizes[job_id] = self._sizes.get(job_id, 0) + size
            self._total += size

    def free(self, job_id: str) -> None:
        """Remove the job's document from the count."""
        with self._lock:
            self._total -= self._sizes.pop(job_id, 0)


class Upload:
    """
    A document while it arrives.

    ``commit`` or ``discard`` ends the upload. ``discard`` after ``commit`` deletes the document. Another thread may
    call ``discard`` during a write; later writes are ignored. ``size`` is the number of written bytes.

    :raises StorageFull: the disk is full.
    """

    #: Whether the file must survive a loss of power.
    _is_durable = True

    def __init__(self, folder: UploadFolder, job_id: str) -> None:
        self._folder = folder
        self._job_id = job_id
        self._path = folder.path(job_id)
        self._part = f"{self._path}.part"
        self.size = 0
        self._measured = 0
        self._digest = hashlib.sha256()
        self._lock = threading.Lock()
        with _full_disk_as_storage_full():
            self._file: BinaryIO = open(self._part, "xb")  # noqa: SIM115 - commit() and discard() close it

    @property
    def sha256(self) -> str:
        """The SHA-256 of the written bytes, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """
        Append some bytes.

        :raises DocumentTooLarge: the document exceeds its limit. These bytes were not written.
        :raises StorageFull: the folder or the disk has no space for more.
        """
        with self._lock:
            if self._file.closed:
                return
            size = self.size + len(data)
            if size > self._folder.max_bytes:
                raise DocumentTooLarge(
                    f"The document is larger than the limit of {self._folder.max_bytes} bytes; split it."
                )
            self._folder.take(self._job_id, len(data))
            if size - self._measured > _MEASURE_EVERY:
                self._folder.check_room()
                self._measured = size
            with _full_disk_as_storage_full():
                self._file.write(data)
            self.size = size
            self._digest.update(data)

    def commit(self) -> None:
        """
        Rename the file to its final name, and write the file and the name to the disk.

        :raises StorageFull: the disk is full.
        """
        with self._lock, _full_disk_as_storage_full():
            if self._file.closed:
                return
            self._file.flush()
            # The file is renamed before fsync, because most file systems then write the new name together with the
            # file. The fsync of the folder has nothing left to do.
            os.replace(self._part, self._path)
            if self._is_durable:
                os.fsync(self._file.fileno())
                sync(self._folder.folder)
            self._file.close()

    def discard(self) -> None:
        """Close and delete the file."""
        with self._lock:
            try:
                self._file.close()
            except OSError as error:  # Closing flushes the file, which fails on a full disk.
                if not is_disk_full(error):
                    raise
            with suppress(FileNotFoundError):
                os.unlink(self._part)
            self._folder.remove(self._job_id)


def sync(path: str | Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _full_disk_as_storage_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise StorageFull("The disk of the service's data folder is full; free some space there.") from error
        raise
