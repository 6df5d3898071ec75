"""
The entries of a batch record in files, its parts.

Object storage has no append. So entries are collected for a second and written as a part, which never changes. A
killed task loses at most the entries of a second.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Self

from airflow_provider_classify.batch.record_entry import Entry, decode_lines
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import ClassifyError, StorageNotFound

log = logging.getLogger(__name__)

#: Seconds for which entries are collected before they are written.
PART_SECONDS = 1.0


class Parts:
    """
    The parts in a folder. Thread-safe.

    In a ``with`` block a thread writes the new entries, because a storage may be slow and must not block an event
    loop. If the thread cannot write, the next new entry or the end of the block raises the error.

    :param seconds: seconds for which entries are collected.
    """

    def __init__(self, folder: StoragePath, *, seconds: float = PART_SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds
        self._lock = threading.Lock()
        self._unwritten: list[bytes] = []
        self._failure: ClassifyError | None = None
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._closing.clear()
        self._writer = threading.Thread(target=self._write_until_closed, name="classify-batch-record")
        self._writer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write the remaining entries. :raises StorageError: they cannot be written."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
        self.write()
        self._failure = None  # this write has included the entries that failed before

    def read(self) -> Iterator[Entry]:
        """
        Yield the entries of all parts, the oldest first. An incomplete line is skipped, with a warning in the log.

        :raises StorageError: the storage refused the request or cannot be reached.
        """
        for part in self._list_parts():
            for payload in decode_lines(StoragePath(part).read_bytes().split(b"\n")):
                try:
                    entry = None if payload is None else Entry.from_json(payload)
                except ValueError:
                    entry = None
                if entry is None:
                    log.warning("The record %s has an incomplete line; its document is classified again.", part)
                else:
                    yield entry

    def add(self, encoded: bytes) -> None:
        """Add an entry, as a line. :raises StorageError: the thread could not write the earlier entries."""
        with self._lock:
            self._unwritten.append(encoded)
        if self._failure is not None:
            raise self._failure

    def write(self) -> None:
        """
        Write the collected entries.

        :raises StorageError: they cannot be written. The next call writes them too.
        """
        with self._lock:
            entries, self._unwritten = self._unwritten, []
        if not entries:
            return
        # Zero-padded nanoseconds sort by time. The random part avoids the same name for two writers.
        part = self._folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.jsonl"
        try:
            part.write_bytes(b"".join(entries))
        except ClassifyError:
            with self._lock:
                self._unwritten = entries + self._unwritten
            raise

    def delete(self) -> None:
        """Delete the folder of the parts, with all files in it."""
        self._folder.delete_folder()

    def _write_until_closed(self) -> None:
        while not self._closing.wait(self._seconds):
            try:
                self.write()
            except ClassifyError as error:
                self._failure = error
                return

    def _list_parts(self) -> list[str]:
        try:
            return [part for part in self._folder.list_files() if part.endswith(".jsonl")]
        except StorageNotFound:
            return []
