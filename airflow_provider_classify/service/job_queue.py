"""Keep the jobs that wait for a worker, in order and up to a limit."""

from __future__ import annotations

import threading
from collections import OrderedDict

from airflow_provider_classify.service.errors import unavailable


class JobQueue:
    """
    The jobs that wait for a worker. Each has one of a limited number of places.

    A job takes a place before it is recorded, and frees it when a worker takes the job or a client cancels it. It
    becomes ready for a worker when it is recorded and its document has arrived. Jobs whose document must be fetched
    take at most half of the places, so that slow servers do not block uploads. All methods are thread-safe.

    :param capacity: the number of places.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._places: set[str] = set()
        self._to_fetch: set[str] = set()
        self._ready: OrderedDict[str, None] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def check_place(self) -> None:
        """
        Check that a place is free, without taking it.

        :raises HttpError: 503, every place is taken.
        """
        if len(self._places) >= self._capacity:
            raise unavailable("queue_full", f"{self._capacity} documents are waiting already; try again later")

    def reserve(self, job_id: str, *, to_fetch: bool, even_if_full: bool = False) -> None:
        """
        Take a place for a job.

        :param to_fetch: whether the document must be fetched first.
        :param even_if_full: exceed the limits, for a job that an earlier run of the service accepted.
        :raises HttpError: 503, every place is taken, or half of them by jobs whose document must be fetched.
        """
        with self._changed:
            if not even_if_full:
                self.check_place()
                if to_fetch and len(self._to_fetch) >= max(1, self._capacity // 2):
                    raise unavailable(
                        "fetches_full", f"{len(self._to_fetch)} documents wait to be fetched already; try again later"
                    )
            self._places.add(job_id)
            if to_fetch:
                self._to_fetch.add(job_id)

    def put(self, job_id: str) -> None:
        """Make a job ready for a worker. A job without a place, such as one that is tried again, gets one."""
        with self._changed:
            self._places.add(job_id)
            self._to_fetch.discard(job_id)
            self._ready[job_id] = None
            self._changed.notify()

    def remove(self, job_id: str) -> None:
        """Free the job's place, if it has one. No worker gets the job after this."""
        with self._changed:
            self._places.discard(job_id)
            self._to_fetch.discard(job_id)
            self._ready.pop(job_id, None)

    def has_place(self, job_id: str) -> bool:
        """Return whether the job still waits."""
        return job_id in self._places

    def get(self) -> str | None:
        """Wait for a ready job, free its place and return its id; return ``None`` when the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._closed)
            if self._closed:
                return None
            job_id, _ = self._ready.popitem(last=False)
            self._places.discard(job_id)
            return job_id

    def close(self) -> None:
        """Close the queue: every ``get`` returns ``None`` from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
