"""Renew the leases of the jobs that a worker has claimed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_classify.job_record.work_queue import Claim, WorkQueue

#: How many times a lease is renewed in the time after which it would expire.
_RENEWALS = 4

_log = logging.getLogger(__name__)


class Leases:
    """
    The claims of one worker. A thread renews their leases.

    :param lost: a function that is called with each claim whose lease is lost: a client has deleted the job, or the
        lease had expired and another worker has claimed the job. If it raises an error, it is called again.
    """

    def __init__(self, queue: WorkQueue, lost: Callable[[Claim], None]) -> None:
        self._queue = queue
        self._lost = lost
        self._claims: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="classify-leases", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """
        Stop the thread, and give back all jobs that are still claimed.

        :raises JobRecordUnavailable: the record cannot be reached. The leases then expire.
        """
        self._stopping.set()
        self._thread.join()
        for claim in self.claims():
            self._queue.give_back(claim)

    @contextmanager
    def held(self, claim: Claim) -> Iterator[None]:
        """Renew the lease of a claim during the block."""
        with self._lock:
            self._claims[claim.lease] = claim
        try:
            yield
        finally:
            with self._lock:
                self._claims.pop(claim.lease, None)

    def claims(self) -> list[Claim]:
        """Return the claims whose leases are renewed."""
        with self._lock:
            return list(self._claims.values())

    def _run(self) -> None:
        while not self._stopping.wait(self._queue.lease.total_seconds() / _RENEWALS):
            try:
                lost = self._queue.renew(self.claims())
                held = {claim.lease for claim in self.claims()}
                for claim in lost:
                    if claim.lease in held:  # otherwise the job has ended meanwhile
                        self._lost(claim)
            except Exception:  # After any error, the other leases must be renewed.
                _log.exception("The leases of the running jobs could not be renewed; this is tried again.")
