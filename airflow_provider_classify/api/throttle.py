"""How fast one server may be asked by everything that polls it. Pure: time and chance are passed in."""

from __future__ import annotations

from airflow_provider_classify.exceptions import ClassifyError

#: The longest pause between two tries of a server that fails. With the longest pause of a job (30 s) it
#: bounds how long the return of a server goes unnoticed.
LONGEST_HOLD = 15.0
#: Who is at most so many seconds late for a turn had it in time, and the next turn is not put off. An event loop
#: wakes a sleeper a millisecond or two late, which at thousands a second are turns: of 2,000 a second, 800 went.
_SLACK = 0.02


class Throttle:
    """
    One server's pace.

    While it answers, requests go at most at ``rate``. When it fails or says 429, everybody stops, and a
    single request goes each time that a growing pause is over, until one is answered. What the server
    asks for in ``Retry-After`` is obeyed by all, not by the job alone that heard it.

    :param rate: requests a second at the most; ``None`` for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._slot = 0.0
        self._failures = 0
        self._failed_at = 0.0
        self._resume_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a request may go; at 0 one may go now, and has to :meth:`take` its turn."""
        return max(0.0, self._slot - now, self._resume_at - now)

    def take(self, now: float) -> None:
        """Note that a request goes now."""
        self._slot = (self._slot if self._slot > now - _SLACK else now) + self._gap
        if self._failures:  # a lone try: the others wait for what becomes of it
            self._resume_at = now + self._hold()

    def answered(self) -> None:
        """Note that the server answered."""
        self._failures = 0
        self._resume_at = 0.0

    def failed(self, error: ClassifyError, *, sent_at: float, now: float, chance: float) -> None:
        """
        Note that the server failed a request.

        :param sent_at: when the request went. Of many that were under way together one counts.
        :param chance: from 0 to 1; spreads the tries of several processes.
        """
        if sent_at >= self._failed_at:
            self._failures += 1
            self._failed_at = now
            self._resume_at = max(self._resume_at, now + self._hold() * (0.75 + 0.25 * chance))
        if error.retry_after is not None:
            self._resume_at = max(self._resume_at, now + error.retry_after)

    def _hold(self) -> float:
        return float(min(LONGEST_HOLD, 2 ** (self._failures - 1)))
