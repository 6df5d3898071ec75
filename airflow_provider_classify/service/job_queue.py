"""Accept jobs into the queue up to a limit, and delete jobs, for the routes of the API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from airflow_provider_classify.exceptions import StorageFull
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.errors import unavailable


class Worker(Protocol):
    """The worker of this process."""

    def wake(self) -> None:
        """Look for jobs now, because one was added."""

    def stop_fetch(self, job_id: str) -> None:
        """Stop the fetch of the document of a job that was deleted, if it runs here."""


class JobQueue:
    """
    The queue of jobs as the API sees it. All methods are thread-safe.

    A job takes a place until a worker has claimed it for its classification. Jobs whose document must be fetched take
    at most half of the places, so that slow servers do not block uploads. If several processes serve the API, each of
    them may exceed the limits by the submits that arrive in the same moment.

    :param capacity: the number of places.
    :param worker: the worker of this process, if it has one.
    """

    def __init__(self, store: JobStore, documents: Documents, capacity: int, worker: Worker | None = None) -> None:
        self._store = store
        self._documents = documents
        self._capacity = capacity
        self._worker = worker
        # Jobs that have a place but are not recorded yet, and those of them whose document must be fetched.
        self._places = 0
        self._to_fetch = 0
        self._lock = threading.Lock()

    def check_place(self) -> None:
        """
        Check that a place is free, without taking it.

        :raises HttpError: 503, every place is taken.
        :raises StorageFull: the documents of all jobs together have reached their limit.
        """
        with self._lock:
            self._check(to_fetch=False)

    @contextmanager
    def place(self, *, to_fetch: bool) -> Iterator[None]:
        """
        Take a place while the block records the job.

        :param to_fetch: whether the document must be fetched first.
        :raises HttpError: 503, every place is taken, or half of them by jobs whose document must be fetched.
        :raises StorageFull: the documents of all jobs together have reached their limit.
        """
        with self._lock:
            self._check(to_fetch=to_fetch)
            self._places += 1
            self._to_fetch += to_fetch
        try:
            yield
        finally:
            with self._lock:
                self._places -= 1
                self._to_fetch -= to_fetch

    def wake(self) -> None:
        """Tell the worker of this process that a job was added. Other workers look for jobs by themselves."""
        if self._worker:
            self._worker.wake()

    def delete(self, job_id: str, *, owner: str | None = None, unless_ended: bool = False) -> Job:
        """
        Delete a job with its document, and return the job as it was. A job that has not ended is cancelled.

        A classification that has begun runs to its end, and its result is ignored.

        :param owner: the only owner whose job is deleted; ``None`` for any.
        :param unless_ended: leave a job that has ended as it is, so that a late cancel does not delete its result.
        :raises JobNotFound: there is no such job.
        :raises StorageError: the document could not be deleted. The call can be repeated.
        """
        self._store.get(job_id, owner=owner)
        job = self._store.delete(job_id, unless_ended=unless_ended)
        if self._worker:
            self._worker.stop_fetch(job_id)
        self._documents.remove(job_id)
        return job

    def _check(self, *, to_fetch: bool) -> None:
        waiting = self._store.queue.waiting()
        if waiting.jobs + self._places >= self._capacity:
            raise unavailable("queue_full", f"{self._capacity} documents are waiting already; try again later")
        fetches = waiting.to_fetch + self._to_fetch
        if to_fetch and fetches >= max(1, self._capacity // 2):
            raise unavailable("fetches_full", f"{fetches} documents wait to be fetched already; try again later")
        if waiting.document_bytes >= self._documents.max_total_bytes:
            raise StorageFull(
                f"The documents of all jobs have reached the limit of {self._documents.max_total_bytes} bytes; "
                "submit again when some have been classified."
            )
