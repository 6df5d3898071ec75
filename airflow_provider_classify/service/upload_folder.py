"""
The folder of documents that wait to be classified, one file per job, named by the job's id.

A file appears under its name only when it is whole and on the disk. So a job that is recorded
after that can be run again whenever the service is killed.
"""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from typing import BinaryIO

from airflow_provider_classify.exceptions import DocumentTooLarge


class Spool:
    """
    The folder; it is made if missing.

    :param max_bytes: the limit for one document.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.max_bytes = max_bytes

    def path(self, job_id: str) -> Path:
        """Where the job's document is, or would be."""
        return self._folder / job_id

    def create(self, job_id: str) -> SpooledDocument:
        """Open a new file for the job's document."""
        return SpooledDocument(self.path(job_id), self.max_bytes)

    def remove(self, job_id: str) -> None:
        """Delete the job's document, if there is one."""
        self.path(job_id).unlink(missing_ok=True)

    def clear(self, keep: Container[str]) -> None:
        """Delete what a killed service left behind: every file but those of the jobs in ``keep``."""
        for path in self._folder.iterdir():
            if path.name not in keep:
                path.unlink()


class SpooledDocument:
    """A document while it arrives. ``commit`` or ``discard`` ends it; ``discard`` after ``commit`` deletes it."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._max_bytes = max_bytes
        self._size = 0
        self._file: BinaryIO = self._part.open("xb")

    def write(self, data: bytes) -> None:
        """
        Add some bytes.

        :raises DocumentTooLarge: the limit is passed; nothing beyond it has been written.
        """
        self._size += len(data)
        if self._size > self._max_bytes:
            raise DocumentTooLarge(f"The document is larger than the limit of {self._max_bytes} bytes; split it.")
        self._file.write(data)

    def commit(self) -> None:
        """Have the file whole, under its name and on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Close and delete it."""
        self._file.close()
        self._part.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
