"""Tell the task's log every few seconds how a batch stands, from a worker and from the triggerer."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Self

from airflow_provider_classify.batch.plan import Tally

_SECONDS = 5.0


class ProgressLog:
    """
    Counts documents that are done, from any thread, and logs a line every five seconds and at the end.

    A worker uses it with ``with``: a thread tells. An event loop uses ``async with``, and no thread.
    """

    def __init__(self, log: Any, *, total: int, done: int) -> None:
        self._log = log
        self._total, self._began_with, self._done, self._failed = total, done, done, 0
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tell_on_a_thread, name="classify-progress")
        self._task: asyncio.Task[None] | None = None

    def one_done(self, *, failed: bool) -> None:
        """Count a document."""
        with self._lock:
            self._done += 1
            self._failed += failed

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._thread.join()
        self._tell()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tell_on_the_loop())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task:
            self._task.cancel()
        self._tell()

    def _tell_on_a_thread(self) -> None:
        while not self._closing.wait(_SECONDS):
            self._tell()

    async def _tell_on_the_loop(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            self._tell()

    def _tell(self) -> None:
        tally = Tally(self._total, self._done, self._failed)
        self._log.info("%s", tally.line(time.monotonic() - self._started, self._began_with))
