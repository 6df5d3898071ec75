"""Decide which documents of a scan are new, and report them in events of a limited size."""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_classify.documents.arrivals import Scan
from airflow_provider_classify.documents.object_storage import pattern_matcher
from airflow_provider_classify.documents.reference import label_of
from airflow_provider_classify.exceptions import TaskStateUnavailable
from airflow_provider_classify.lifecycle.reported_documents import ReportedDocuments
from airflow_provider_classify.model.printable_text import encodable
from airflow_provider_classify.triggers.folder_scan import SharedScan

log = logging.getLogger(__name__)

#: An event names at most this many documents, in about this many bytes of JSON.
MAX_DOCUMENTS = 100
MAX_BYTES = 32 * 1024
#: The most documents that one scan reports. The next scans report the rest, the oldest documents first.
_MAX_PER_SCAN = 1000
#: Seconds between two checks for documents that have left the folder.
_FORGET_INTERVAL = 3600.0
#: Seconds after which a record that could not be read or written is tried again.
_RECORD_PAUSE = 5.0
#: The most documents for which the log has a warning about the name.
_MAX_WARNINGS = 1000


@dataclass(frozen=True, slots=True, order=True)
class NewDocument:
    """
    A document to report. Documents are sorted in the order in which they are reported.

    ``may_repeat`` is true if an earlier trigger may have reported the document already.
    """

    modified: str
    name: str
    size: int
    version: str
    may_repeat: bool

    def payload(self, folder: str) -> dict[str, Any]:
        """Return the document as an object of the event's payload."""
        payload: dict[str, Any] = {
            "document": f"{folder.rstrip('/')}/{self.name}",
            "size": self.size,
            "modified": self.modified or None,
            "version": self.version,
        }
        if self.may_repeat:
            payload["may_repeat"] = True
        return payload


class Reporter:
    """
    Create the events of one trigger, and keep the record of the reported documents.

    :param folder: the watched folder or prefix.
    :param pattern: the documents to report, relative to the folder.
    :param stores: the state stores of the assets that the trigger serves.
    """

    def __init__(self, folder: str, pattern: str, stores: Sequence[Any]) -> None:
        self._folder = folder
        self._pattern = pattern
        self._record = ReportedDocuments(f"{folder} {pattern}", stores)
        self._record_lock = asyncio.Lock()
        self._is_loaded = False
        self._record_fails = False
        self._use_record_at = 0.0
        self._forget_at = time.monotonic() + _FORGET_INTERVAL
        self._matches: Callable[[str], object] | None = None
        self._unstored: dict[str, str] = {}  # the reported versions by name that Airflow has not stored yet
        self._last_scan = -1  # the number of the last scan whose documents were all reported
        self._first_scan: float | None = None  # the time of the first scan of this trigger
        self._continues = False  # whether an earlier trigger had reported documents
        self._skipped: set[str] = set()

    async def prepare(self) -> None:
        """Read the record before the first document arrives. The first request of a triggerer can take long."""
        await self._can_use_record()

    async def events(self, shared: SharedScan) -> AsyncIterator[TriggerEvent]:
        """Yield the events for one scan. While the record cannot be read or written, yield no events."""
        if not await self._can_use_record():
            return
        if self._first_scan is None:
            self._first_scan = shared.scan.time
        new = await self._new_documents(shared.scan)
        if new:
            versions = {document.name: document.version for document in new}
            self._unstored.update(versions)
            shared.on_stored.append(partial(self._stored, versions))
        for documents in _split(new, self._folder):
            payload = [document.payload(self._folder) for document in documents]
            yield TriggerEvent({"folder": label_of(self._folder), "documents": payload})
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + _FORGET_INTERVAL
            async with self._record_lock:
                await asyncio.to_thread(self._record.forget_departed, shared.scan.files)
                await self._save()

    async def _new_documents(self, scan: Scan) -> list[NewDocument]:
        """Return the documents to report, the oldest first."""
        names = scan.arrived if scan.number == self._last_scan + 1 else scan.files
        if not names:
            self._last_scan = scan.number
            return []
        new = await asyncio.to_thread(lambda: list(self._find(scan, names)))
        if len(new) <= _MAX_PER_SCAN:
            self._last_scan = scan.number
        return heapq.nsmallest(_MAX_PER_SCAN, new)

    def _find(self, scan: Scan, names: Iterable[str]) -> Iterator[NewDocument]:
        """Yield the documents to report. This can take long, so it does not run on the event loop."""
        if self._matches is None:
            self._matches = pattern_matcher(self._pattern)
        for name in names:
            file = scan.files[name]
            if not file.is_stable or not self._matches(name):
                continue
            version = f"{file.size} {file.version}"
            if self._unstored.get(name) == version or self._record.has(name, version):
                continue
            if encodable(name) != name:
                self._warn_of_name(name)
                continue
            may_repeat = self._continues and self._first_scan is not None and file.since <= self._first_scan
            yield NewDocument(file.modified or "", name, file.size, version, may_repeat)

    async def _stored(self, versions: dict[str, str]) -> None:
        """Record the documents of a scan when Airflow has stored their events."""
        async with self._record_lock:
            self._record.add(versions)
            for name, version in versions.items():
                if self._unstored.get(name) == version:
                    del self._unstored[name]
            await self._save()

    async def _can_use_record(self) -> bool:
        """
        Read the record, or write the entries that could not be written before. After a failure, pause before the next
        try.
        """
        if self._is_loaded and self._record.is_saved:
            return True
        if time.monotonic() < self._use_record_at:
            return False
        async with self._record_lock:
            if self._is_loaded:
                return await self._save()
            self._is_loaded = await self._use_record(self._record.load)
        self._continues = len(self._record) > 0
        return self._is_loaded

    async def _save(self) -> bool:
        return self._record.is_saved or await self._use_record(self._record.save)

    async def _use_record(self, use_record: Callable[[], Awaitable[None]]) -> bool:
        try:
            await use_record()
        except TaskStateUnavailable as error:
            self._use_record_at = time.monotonic() + _RECORD_PAUSE
            if not self._record_fails:
                log.warning("No new documents in %s are reported for now: %s", label_of(self._folder), error)
            self._record_fails = True
            return False
        self._record_fails = False
        return True

    def _warn_of_name(self, name: str) -> None:
        if name not in self._skipped and len(self._skipped) < _MAX_WARNINGS:
            self._skipped.add(name)
            log.warning(
                "The document %s is not reported, because its name is not UTF-8; rename it.",
                encodable(f"{self._folder.rstrip('/')}/{name}"),
            )


def _split(documents: Iterable[NewDocument], folder: str) -> Iterator[list[NewDocument]]:
    """Split the documents into parts that are small enough for an event."""
    part: list[NewDocument] = []
    size = 0
    for document in documents:
        length = len(json.dumps(document.payload(folder)))
        if part and (len(part) == MAX_DOCUMENTS or size + length > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(document)
        size += length
    if part:
        yield part
