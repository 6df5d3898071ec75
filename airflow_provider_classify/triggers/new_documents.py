"""The event trigger that reports new documents in a folder or object-storage prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_classify.documents.object_storage import pattern_depth
from airflow_provider_classify.documents.reference import is_http_url, label_of, parse_reference
from airflow_provider_classify.exceptions import InvalidDocument
from airflow_provider_classify.lifecycle import event_triggers
from airflow_provider_classify.triggers.arrival_events import Reporter
from airflow_provider_classify.triggers.folder_scan import FolderScan, SharedScan

if TYPE_CHECKING:
    from airflow_provider_classify.documents.document import DocumentLike


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

    All triggers in a triggerer with the same folder, depth of the pattern, ``scan_interval`` and ``stable_for`` share
    one scan. This trigger needs Airflow 3.3 or newer.

    :param folder: a local folder, which the triggerer must reach, or a URI (``s3://conn_id@bucket/prefix``). It need
        not exist yet.
    :param pattern: the documents to report: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
    :param scan_interval: seconds between the starts of two scans, above 0. The pause between two scans is at least as
        long as a scan took.
    :param stable_for: seconds for which a document has to stay unchanged, at least 0. At least two scans compare it.
    """

    def __init__(
        self, folder: DocumentLike, *, pattern: str = "*", scan_interval: float = 1.0, stable_for: float = 2.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        event_triggers.require_event_triggers(type(self).__name__)
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
                f"The pattern of the watched folder {label_of(self.folder)} is {pattern!r}; give a string relative to "
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
        reporter = self._reporter()
        await reporter.prepare()
        async for shared in shared_stream:
            async for event in reporter.events(shared):
                yield event

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Scan without other triggers. Airflow calls this if it cannot share the scan."""
        scans = self.create_shared_stream_producer(self.serialize()[1])
        reporter = self._reporter()
        try:
            async for shared, _ in scans.open_stream():
                async for event in reporter.events(shared):
                    yield event
                await shared.stored()
        finally:
            await scans.aclose()

    def _reporter(self) -> Reporter:
        stores = event_triggers.state_stores(getattr(self, "asset_state_store", None))
        return Reporter(self.folder, self.pattern, stores)
