"""Log the progress of a batch every few seconds, on a worker and in the triggerer."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_classify.model.wait_log import duration

#: Seconds between two log lines.
INTERVAL = 5.0


@dataclass(frozen=True, slots=True)
class Tally:
    """The number of documents of a batch, and how many of them are done and failed."""

    total: int
    done: int = 0
    failed: int = 0

    def line(self, seconds: float, began_with: int = 0) -> str:
        """
        Return the line for the log.

        :param seconds: seconds since this try of the task began.
        :param began_with: the number of documents that earlier tries had done.
        """
        rate = (self.done - began_with) / seconds if seconds > 0 else 0.0
        left = f", {duration((self.total - self.done) / rate)} left" if rate > 0 and self.done < self.total else ""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total} documents done{failed}, {rate:.1f} a second{left}"


class ProgressLog:
    """
    Counts the documents that are done, and logs a line in each interval and at the end. Thread-safe.

    In a ``with`` block a thread logs. In an ``async with`` block the event loop logs.

    :param total: the number of documents of the batch.
    :param done: the number of documents that are done already.
    :param interval: seconds between two lines.
    """

    def __init__(self, log: Any, *, total: int, done: int, interval: float = INTERVAL) -> None:
        self._log = log
        self._interval = interval
        self._total, self._began_with, self._done, self._failed = total, done, done, 0
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._log_on_thread, name="classify-progress")
        self._task: asyncio.Task[None] | None = None

    def one_done(self, *, failed: bool) -> None:
        """Count a document that has a result or an error."""
        with self._lock:
            self._done += 1
            self._failed += failed

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._thread.join()
        self._log_now()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._log_on_loop())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task:
            self._task.cancel()
        self._log_now()

    def _log_on_thread(self) -> None:
        while not self._closing.wait(self._interval):
            self._log_now()

    async def _log_on_loop(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._log_now()

    def _log_now(self) -> None:
        tally = Tally(self._total, self._done, self._failed)
        self._log.info("%s", tally.line(time.monotonic() - self._started, self._began_with))
