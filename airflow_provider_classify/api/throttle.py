"""Limit the requests of all waits to one server. The caller passes the time and a random number."""

from __future__ import annotations

from airflow_provider_classify.exceptions import ClassifyError

#: The longest pause between two requests to a failing server, in seconds.
LONGEST_FAILURE_PAUSE = 15.0
#: A request that is late by at most this many seconds does not delay the next one. An event loop wakes a task a few
#: milliseconds late, which can be more than the gap between two requests.
_MAX_LATENESS = 0.02


class Throttle:
    """
    Decides when a request to one server may be sent.

    While the server answers, requests are sent at most at ``rate``. After a failure or a 429, one request is sent after
    each pause, and the pauses grow to :data:`LONGEST_FAILURE_PAUSE`, until a request succeeds. A ``Retry-After`` delays
    all requests; after it, one request is sent, as after any failure.

    :param rate: the most requests per second; ``None`` for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._slot = 0.0
        self._failures = 0
        self._failed_at = 0.0
        self._resume_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent. If this is 0, call :meth:`take` and send the request."""
        return max(0.0, self._slot - now, self._resume_at - now)

    def take(self, now: float) -> None:
        """Record that a request is sent now."""
        self._slot = (self._slot if self._slot > now - _MAX_LATENESS else now) + self._gap
        if self._failures:  # the other requests wait for the outcome of this one
            self._resume_at = now + self._pause()

    def answered(self) -> None:
        """Record that the server answered."""
        self._failures = 0
        self._resume_at = 0.0

    def failed(self, error: ClassifyError, *, sent_at: float, now: float, chance: float) -> None:
        """
        Record that a request failed.

        :param sent_at: the time at which the request was sent. Concurrent requests that fail count as one failure.
        :param chance: a random number from 0 to 1. It spreads the requests of several processes.
        """
        if sent_at >= self._failed_at:
            self._failures += 1
            self._failed_at = now
            self._resume_at = max(self._resume_at, now + self._pause() * (0.75 + 0.25 * chance))
        if error.retry_after is not None:
            self._resume_at = max(self._resume_at, now + error.retry_after)

    def _pause(self) -> float:
        return float(min(LONGEST_FAILURE_PAUSE, 2 ** (self._failures - 1)))
