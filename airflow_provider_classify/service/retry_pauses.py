"""Decide when a server that fails is asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: The failures in a row after which a server is left alone.
FAILURES = 3
#: The seconds for which it is left alone.
PAUSE_SECONDS = 30.0


class Pauses:
    """
    Leaves a server alone for a while when it has failed several times in a row, so that nobody waits for it. After the
    pause, one request tries it, and a further failure begins the next pause. Thread-safe.

    :param failures: the failures in a row that begin a pause.
    :param seconds: the length of a pause.
    :param clock: returns the time in seconds.
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
        """Return whether the server may be asked now. During a pause it may not, and then once in each pause."""
        with self._lock:
            if self._in_a_row < self._failures:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._seconds  # the others wait for the outcome of this request
            return True

    def note(self, *, failed: bool) -> None:
        """Note the outcome of a request."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if failed:
                self._until = self._clock() + self._seconds
