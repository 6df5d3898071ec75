"""Decide when to send requests again to a server that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: The failures in a row that begin a pause.
FAILURES = 3
#: The seconds of a pause.
PAUSE_SECONDS = 30.0


class Pauses:
    """
    Pauses the requests to a server that has failed several times in a row, so that no job waits for it. Thread-safe.

    After a pause, one request may ask the server. If it fails, the next pause begins.

    :param failures: the failures in a row that begin a pause.
    :param seconds: the length of a pause.
    :param clock: returns seconds that never go back.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        seconds: float = PAUSE_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._until = 0.0

    def may_ask(self) -> bool:
        """Return whether the server may be asked now: not during a pause, and only once after it."""
        with self._lock:
            if self._in_a_row < self._failures:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._seconds  # no other request until the outcome of this one is known
            return True

    def note(self, *, failed: bool) -> None:
        """Note the outcome of a request. Do not note a request that was stopped: it says nothing about the server."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if failed:
                self._until = self._clock() + self._seconds
