"""Tell the task's log now and then how a batch stands."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

from airflow_provider_classify.batch.items import Tally

_SECONDS = 10.0


class ProgressLog:
    """Counts documents that are done, from any thread, and logs a line every ten seconds and at the end."""

    def __init__(self, log: Any, *, total: int, done: int) -> None:
        self._log = log
        self._total, self._began_with, self._done, self._failed = total, done, done, 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tell_now_and_then, name="classify-progress")

    def one_done(self, *, failed: bool) -> None:
        """Count a document."""
        with self._lock:
            self._done += 1
            self._failed += failed

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._thread.join()
        self._tell()

    def _tell_now_and_then(self) -> None:
        while not self._closing.wait(_SECONDS):
            self._tell()

    def _tell(self) -> None:
        tally = Tally(self._total, self._done, self._failed)
        self._log.info("%s", tally.line(time.monotonic() - self._started, self._began_with))
