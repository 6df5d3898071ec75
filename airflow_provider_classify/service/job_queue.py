"""The jobs that wait for a worker, in order, and bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict

from airflow_provider_classify.service.errors import unavailable


class JobQueue:
    """
    Places for jobs. A job has one from the moment its document has arrived until it is classified or cancelled.

    A job with a place is ready for a worker or not yet ready (it is being recorded or fetched). Jobs that are to be
    fetched have at most half of the places, so that slow servers keep no upload out.
    All methods may be called from several threads.

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
        Take a place.

        :param to_fetch: the document is not there yet.
        :param even_if_full: for a job that was accepted by an earlier run of the service.
        :raises HttpError: 503, every place is taken.
        """
        with self._changed:
            if not even_if_full:
                self.check_place()
                if to_fetch and len(self._to_fetch) >= max(1, self._capacity // 2):
                    raise unavailable(
                        "fetches_full", f"{len(self._to_fetch)} documents are to be fetched already; try again later"
                    )
            self._places.add(job_id)
            if to_fetch:
                self._to_fetch.add(job_id)

    def put(self, job_id: str) -> None:
        """Make a job ready for a worker. A job without a place, such as one tried again, gets one."""
        with self._changed:
            self._places.add(job_id)
            self._to_fetch.discard(job_id)
            self._ready[job_id] = None
            self._changed.notify()

    def remove(self, job_id: str) -> None:
        """Free the job's place, if it has one; no worker gets the job any more."""
        with self._changed:
            self._places.discard(job_id)
            self._to_fetch.discard(job_id)
            self._ready.pop(job_id, None)

    def has_place(self, job_id: str) -> bool:
        """Return whether the job still waits."""
        return job_id in self._places

    def get(self) -> str | None:
        """Wait for a ready job, free its place and return its id; ``None`` once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._closed)
            if self._closed:
                return None
            job_id, _ = self._ready.popitem(last=False)
            self._places.discard(job_id)
            return job_id

    def close(self) -> None:
        """Let every ``get`` return ``None`` from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
