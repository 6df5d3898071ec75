"""The event trigger that reports new documents in a folder or object-storage prefix."""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_classify.documents.arrivals import Scan
from airflow_provider_classify.documents.object_storage import pattern_depth, pattern_matcher
from airflow_provider_classify.documents.reference import is_http_url, label_of, parse_reference
from airflow_provider_classify.exceptions import InvalidDocument, TaskStateUnavailable
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.reported_documents import ReportedDocuments
from airflow_provider_classify.model.text import encodable
from airflow_provider_classify.triggers.folder_scan import FolderScan, SharedScan

if TYPE_CHECKING:
    from airflow_provider_classify.documents.document import DocumentLike

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


class NewDocumentsTrigger(BaseEventTrigger):
    """
    Report new documents in a folder or object-storage prefix, for an ``AssetWatcher``.

    A document is reported when its size and version have not changed for ``stable_for`` seconds, and again after each
    change. Documents that are in the folder when the watcher starts for the first time are also reported. Hidden and
    partial files (``.part``, ``.crdownload``, ``.tmp``, ``~$…``) are ignored.

    The payload of an event is an object with ``folder`` and ``documents``, a list of at most 100 objects with
    ``document`` (the reference), ``size`` in bytes, ``modified`` (ISO 8601 or ``None``) and ``version``.

    The state of the asset keeps the reported documents. They are added when Airflow has stored the event. So no
    document is lost if a triggerer is stopped or killed. Documents that it reported in its last two seconds may be
    reported again. A document that was already there when the trigger was restarted has ``may_repeat`` in the payload.
    The state keeps a document until a week after it left the folder.

    All triggers in a triggerer that watch the same folder with the same depth of the pattern share one scan. It needs
    Airflow 3.3 or newer.

    :param folder: a local folder, which the triggerer must reach, or a URI (``s3://conn_id@bucket/prefix``). It need
        not exist yet.
    :param pattern: the documents to report: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
    :param scan_interval: seconds between two scans, above 0. After a longer scan, the pause is as long as the scan.
    :param stable_for: seconds for which a document has to stay unchanged, at least 0. At least two scans compare it.
    """

    def __init__(
        self, folder: DocumentLike, *, pattern: str = "*", scan_interval: float = 1.0, stable_for: float = 2.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        compat.require_event_triggers(type(self).__name__)
        try:
            self.folder = parse_reference(folder)
        except InvalidDocument as error:
            raise InvalidDocument(
                f"The folder of a NewDocumentsTrigger is {folder!r}; give the path of a folder, or an "
                "object-storage URI."
            ) from error
        if is_http_url(self.folder):
            raise InvalidDocument(
                f"{label_of(self.folder)} cannot be watched, because a web server does not list its documents; "
                "give a folder or an object-storage prefix."
            )
        if "{{" in self.folder or "{%" in self.folder:
            raise InvalidDocument(
                f"The folder {self.folder!r} is a template, and Airflow does not render it; name the folder."
            )
        if not isinstance(pattern, str) or pattern.startswith("/"):
            raise ValueError(
                f"The pattern of the watched folder {label_of(self.folder)} is {pattern!r}; give a text relative to "
                "the folder, such as *.pdf or **/*.pdf."
            )
        for name, seconds, wanted in (
            ("scan_interval", scan_interval, "above 0"),
            ("stable_for", stable_for, "of 0 or more"),
        ):
            is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
            if not is_number or seconds < 0 or (name == "scan_interval" and seconds == 0):
                raise ValueError(
                    f"The {name} of the watched folder {label_of(self.folder)} is {seconds!r}; give a number of "
                    f"seconds {wanted}."
                )
        self.pattern = pattern
        self.scan_interval = scan_interval
        self.stable_for = stable_for

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and arguments, from which Airflow creates this trigger in any triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "folder": self.folder,
                "pattern": self.pattern,
                "scan_interval": self.scan_interval,
                "stable_for": self.stable_for,
            },
        )

    def shared_stream_key(self) -> Hashable:
        """Return the identity of the scan. It reads nothing, because Airflow calls it on the event loop."""
        depth = pattern_depth(self.pattern)
        return (f"{__name__}.FolderScan", self.folder.rstrip("/"), depth, self.scan_interval, self.stable_for)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> FolderScan:
        """Return the scan for all triggers with the same key, from the arguments of one of them."""
        return FolderScan(
            kwargs["folder"],
            depth=pattern_depth(kwargs["pattern"]),
            interval=kwargs["scan_interval"],
            stable_for=kwargs["stable_for"],
        )

    async def filter_shared_stream(self, shared_stream: AsyncIterator[SharedScan]) -> AsyncIterator[TriggerEvent]:
        """Yield the events for the new documents in each scan."""
        reporter = _Reporter(self)
        await reporter.prepare()
        async for shared in shared_stream:
            async for event in reporter.events(shared):
                yield event

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Scan without other triggers. Airflow calls this if it cannot share the scan."""
        scans = self.create_shared_stream_producer(self.serialize()[1])
        reporter = _Reporter(self)
        try:
            async for shared, _ in scans.open_stream():
                async for event in reporter.events(shared):
                    yield event
                await shared.stored()
        finally:
            await scans.aclose()


@dataclass(frozen=True, slots=True, order=True)
class _NewDocument:
    """A document to report. The order is that of the reports."""

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


class _Reporter:
    """Create the events of one trigger, and keep the record of the reported documents."""

    def __init__(self, trigger: NewDocumentsTrigger) -> None:
        self._folder = trigger.folder
        self._pattern = trigger.pattern
        stores = compat.state_stores(getattr(trigger, "asset_state_store", None))
        self._record = ReportedDocuments(f"{trigger.folder} {trigger.pattern}", stores)
        self._record_lock = asyncio.Lock()
        self._is_loaded = False
        self._record_fails = False
        self._use_record_at = 0.0
        self._forget_at = time.monotonic() + _FORGET_INTERVAL
        self._matches: Callable[[str], object] | None = None
        self._unstored: dict[str, str] = {}  # the reported versions by name that Airflow has not stored yet
        self._last_scan = -1  # the number of the last scan whose documents were all reported
        self._first_scan: float | None = None  # the time of that scan
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

    async def _new_documents(self, scan: Scan) -> list[_NewDocument]:
        """Return the documents to report, the oldest first."""
        names = scan.arrived if scan.number == self._last_scan + 1 else scan.files
        if not names:
            self._last_scan = scan.number
            return []
        new = await asyncio.to_thread(lambda: list(self._find(scan, names)))
        if len(new) <= _MAX_PER_SCAN:
            self._last_scan = scan.number
        return heapq.nsmallest(_MAX_PER_SCAN, new)

    def _find(self, scan: Scan, names: Iterable[str]) -> Iterator[_NewDocument]:
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
            yield _NewDocument(file.modified or "", name, file.size, version, may_repeat)

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


def _split(documents: Iterable[_NewDocument], folder: str) -> Iterator[list[_NewDocument]]:
    """Split the documents into parts that are small enough for an event."""
    part: list[_NewDocument] = []
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
