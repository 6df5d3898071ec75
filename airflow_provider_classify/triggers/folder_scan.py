"""The scan of a folder or prefix. Event triggers that scan a place in the same way share one scan in a triggerer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_classify.documents.allowed_roots import require_allowed
from airflow_provider_classify.documents.arrivals import Arrivals, Scan
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import ClassifyError, StorageNotFound
from airflow_provider_classify.lifecycle.event_triggers import SharedStreamProducer

log = logging.getLogger(__name__)

#: The longest pauses, in seconds, before the next scan of a place that cannot be scanned, and of a folder that does not
#: exist yet.
_LONGEST_PAUSE = 60.0
_LONGEST_PAUSE_WITHOUT_FOLDER = 5.0


@dataclass(slots=True)
class SharedScan:
    """
    A scan, and the callbacks to call when Airflow has stored the events of the scan.

    A trigger adds its callback before it yields an event.
    """

    scan: Scan
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def stored(self) -> None:
        """Call the callbacks."""
        for callback in self.on_stored:
            await callback()


class FolderScan(SharedStreamProducer):
    """
    Scan a folder repeatedly, on a separate thread.

    The pause between two scans is at least as long as a scan took. While the place cannot be scanned, the pauses
    double up to 60 s, or up to 5 s if the folder does not exist. The log gets one line at the beginning and one at the
    end of this time.

    :param folder: a folder or object-storage prefix.
    :param depth: how many levels of folders are scanned; ``None`` for all.
    :param interval: the fewest seconds between the starts of two scans.
    :param stable_for: seconds for which a file has to be unchanged.
    """

    def __init__(
        self,
        folder: str,
        *,
        depth: int | None,
        interval: float,
        stable_for: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._path = StoragePath(folder)
        self._depth = depth
        self._interval = interval
        self._arrivals = Arrivals(stable_for)
        self._clock = clock
        self._sleep = sleep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classify-scan")
        self._failing_since: float | None = None
        self._failures = 0

    async def open_stream(self) -> AsyncIterator[tuple[SharedScan, SharedScan]]:
        """Yield every scan, once for the triggers and once for :meth:`advance`."""
        loop = asyncio.get_running_loop()
        while True:
            began = self._clock()
            try:
                scan = await loop.run_in_executor(self._thread, self._scan, began)
            except ClassifyError as error:
                await self._sleep(self._pause_after(error, began))
                continue
            self._log_recovery(began)
            shared = SharedScan(scan)
            yield shared, shared
            took = self._clock() - began
            await self._sleep(max(self._interval - took, took, 0.0))

    async def advance(self, batch: Sequence[Any]) -> None:
        """Tell the triggers that Airflow has stored their events."""
        for item in batch:
            await item.broker_payload.stored()

    async def aclose(self) -> None:
        """Stop scanning. A running scan ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _scan(self, now: float) -> Scan:
        require_allowed(self._path.reference)
        return self._arrivals.update(self._path.scan(self._depth), now)

    def _pause_after(self, error: ClassifyError, now: float) -> float:
        if self._failing_since is None:
            self._failing_since = now
            log.warning("No new documents are reported from %s until it can be scanned: %s", self._path.label, error)
        longest = _LONGEST_PAUSE_WITHOUT_FOLDER if isinstance(error, StorageNotFound) else _LONGEST_PAUSE
        pause = min(self._interval * 2**self._failures, longest)
        self._failures = min(self._failures + 1, 16)
        return float(max(pause, self._interval))

    def _log_recovery(self, now: float) -> None:
        if self._failing_since is not None:
            log.info("%s is scanned again after %.0f s.", self._path.label, now - self._failing_since)
            self._failing_since = None
            self._failures = 0
