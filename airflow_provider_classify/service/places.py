"""Count the places in the queue that are taken, without a query of the record for each submit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from airflow_provider_classify.job_record.work_queue import Waiting

#: Seconds for which a count of the record is used.
COUNT_SECONDS = 0.25

#: Returns the error for a submit while these jobs wait; ``None`` if a place is free.
Refusal = Callable[[Waiting], Exception | None]


class Places:
    """
    The places that jobs take. Thread-safe.

    Between two counts of the record, this process adds its own new jobs to the last count. So its count is too low only
    by the jobs that other processes have added since. A submit is refused only after a new count.

    :param count: counts the waiting jobs in the record. It may block.
    :param seconds: seconds for which a count is used.
    :param clock: returns seconds that never go back.
    """

    def __init__(
        self,
        count: Callable[[], Waiting],
        *,
        seconds: float = COUNT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._counted = Waiting(0, 0, 0)
        self._counted_at = -float("inf")
        # The jobs that have a place but may not be recorded yet.
        self._open = Waiting(0, 0, 0)
        # The jobs that were recorded since the last count began.
        self._recorded = Waiting(0, 0, 0)

    def is_known_free(self, refusal: Refusal) -> bool:
        """Return whether a place is free according to a recent count. This never counts the record."""
        with self._lock:
            return self._is_recent() and refusal(self._taken()) is None

    def check(self, refusal: Refusal) -> None:
        """Raise the error of ``refusal`` if no place is free."""
        self.take(Waiting(0, 0, 0), refusal)

    def take(self, job: Waiting, refusal: Refusal) -> None:
        """
        Take a place for a job, until :meth:`record` or :meth:`give_back` is called.

        :raises Exception: the error of ``refusal``; no place is free.
        """
        asked_at = self._clock()
        with self._lock:
            if self._is_recent() and refusal(self._taken()) is None:
                self._open += job
                return
        self._recount(asked_at)
        with self._lock:
            if error := refusal(self._taken()):
                raise error
            self._open += job

    def record(self, job: Waiting) -> None:
        """Note that a job with a place has been recorded, so that the next count includes it."""
        with self._lock:
            self._open -= job
            self._recorded += job

    def give_back(self, job: Waiting) -> None:
        """Free the place of a job that was not recorded."""
        with self._lock:
            self._open -= job

    def _is_recent(self) -> bool:
        return self._clock() - self._counted_at <= self._seconds

    def _taken(self) -> Waiting:
        return self._counted + self._recorded + self._open

    def _recount(self, asked_at: float) -> None:
        """Count the jobs in the record, unless another thread has begun a count since ``asked_at``."""
        with self._counting:
            with self._lock:
                if self._counted_at > asked_at:
                    return
                began, included = self._clock(), self._recorded
            counted = self._count()
            with self._lock:
                self._counted, self._counted_at = counted, began
                self._recorded -= included
