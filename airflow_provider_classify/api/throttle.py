"""How often one server may be asked by all that poll it. Pure: time and chance are passed in."""

from __future__ import annotations

from airflow_provider_classify.exceptions import ClassifyError

#: The longest pause between two requests to a server that fails, in seconds. With the longest pause of a job (30 s)
#: it bounds how long the return of a server goes unnoticed.
LONGEST_HOLD = 15.0
#: A turn that is taken at most so many seconds late does not put off the next one. An event loop wakes a sleeper a
#: millisecond or two late, which is more than the gap between turns where thousands go in a second.
_SLACK = 0.02


class Throttle:
    """
    The pace of the requests to one server.

    While the server answers, requests go at most at ``rate``. When it fails or says 429, all requests stop, and
    one goes each time that a growing pause is over, until one is answered. A ``Retry-After`` holds for all
    requests, not only for the job whose request got it; after it one request goes, as after any failure.

    :param rate: the most requests a second; ``None`` for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._slot = 0.0
        self._failures = 0
        self._failed_at = 0.0
        self._resume_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may go. At 0 one may go now, and has to :meth:`take` its turn."""
        return max(0.0, self._slot - now, self._resume_at - now)

    def take(self, now: float) -> None:
        """Note that a request goes now."""
        self._slot = (self._slot if self._slot > now - _SLACK else now) + self._gap
        if self._failures:  # a single request: the others wait for its outcome
            self._resume_at = now + self._hold()

    def answered(self) -> None:
        """Note that the server answered."""
        self._failures = 0
        self._resume_at = 0.0

    def failed(self, error: ClassifyError, *, sent_at: float, now: float, chance: float) -> None:
        """
        Note that the server failed a request.

        :param sent_at: when the request went. Of several failures that were under way together, one counts.
        :param chance: from 0 to 1; spreads the requests of several processes.
        """
        if sent_at >= self._failed_at:
            self._failures += 1
            self._failed_at = now
            self._resume_at = max(self._resume_at, now + self._hold() * (0.75 + 0.25 * chance))
        if error.retry_after is not None:
            self._resume_at = max(self._resume_at, now + error.retry_after)

    def _hold(self) -> float:
        return float(min(LONGEST_HOLD, 2 ** (self._failures - 1)))
