"""Accept jobs into the queue up to a limit, and delete jobs, for the routes of the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from airflow_provider_classify.exceptions import StorageFull
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import Waiting
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.errors import unavailable
from airflow_provider_classify.service.places import Places


class Worker(Protocol):
    """The worker of this process."""

    def wake(self, *, to_fetch: bool = False) -> None:
        """Look for jobs now, because one was added; ``to_fetch`` says whether its document must be fetched."""

    def cancel(self, job_id: str) -> None:
        """Stop the work on a deleted job, if the job runs here and can be stopped."""


class JobQueue:
    """
    The queue of jobs as the API sees it. All methods are thread-safe.

    A job takes a place until a worker has claimed it for its classification. Jobs whose document must be fetched take
    at most half of the places, so that slow servers do not block uploads. If several processes serve the API, each of
    them may exceed the limits by the submits that the others accept within :data:`~.places.COUNT_SECONDS`.

    :param capacity: the number of places.
    :param worker: the worker of this process, if it has one.
    """

    def __init__(self, store: JobStore, documents: Documents, capacity: int, worker: Worker | None = None) -> None:
        self._store = store
        self._documents = documents
        self._capacity = capacity
        self._worker = worker
        self._places = Places(store.queue.waiting)

    @property
    def has_place(self) -> bool:
        """Whether a place is certainly free. This never blocks. If it is false, call :meth:`check_place` to be sure."""
        return self._places.is_known_free(self._refusal)

    def check_place(self) -> None:
        """
        Check that a place is free, without taking it.

        :raises HttpError: 503, every place is taken.
        :raises StorageFull: the documents of all jobs together have reached their limit.
        """
        self._places.check(self._refusal)

    @contextmanager
    def place(self, *, to_fetch: bool, document_bytes: int | None = None) -> Iterator[None]:
        """
        Take a place while the block records the job.

        :param to_fetch: whether the document must be fetched first.
        :param document_bytes: the size of the stored document; ``None`` if no document is stored yet.
        :raises HttpError: 503, every place is taken; or ``to_fetch`` is set, and such jobs take half of the places.
        :raises StorageFull: the documents of all jobs together have reached their limit.
        """
        job = Waiting(1, int(to_fetch), document_bytes or 0)
        self._places.take(job, self._refusal_of_fetch if to_fetch else self._refusal)
        try:
            yield
        except BaseException:
            self._places.give_back(job)
            raise
        self._places.record(job)

    def wake(self, *, to_fetch: bool) -> None:
        """Tell the worker of this process that a job was added. Other workers look for jobs by themselves."""
        if self._worker:
            self._worker.wake(to_fetch=to_fetch)

    def delete(self, job_id: str, *, owner: str | None = None, unless_ended: bool = False) -> Job:
        """
        Cancel a job that has not ended, or delete one that has. Delete its document in both cases.

        A classification by the engine that has begun runs to its end, and its result is ignored. A fetch of the
        document is stopped. If the document was escalated, the job of the other API is cancelled.

        :param owner: the owner of the job; ``None`` for any owner. A job of another owner is not found.
        :param unless_ended: leave a job that has ended as it is, so that a late cancel does not delete its result.
        :returns: the job: failed with the kind ``JobCancelled``, or as it had ended.
        :raises JobNotFound: there is no such job.
        :raises StorageError: the document could not be deleted. The call can be repeated.
        """
        self._store.get(job_id, owner=owner)
        job = self._store.delete(job_id, unless_ended=unless_ended)
        if self._worker:
            self._worker.cancel(job_id)
        self._documents.remove(job_id)
        return job

    def _refusal(self, waiting: Waiting) -> Exception | None:
        """Return the error for a submit if the jobs in ``waiting`` leave no place; ``None`` if a place is free."""
        if waiting.jobs >= self._capacity:
            return unavailable("queue_full", f"{self._capacity} documents are waiting already; try again later")
        if waiting.document_bytes >= self._documents.max_total_bytes:
            return StorageFull(
                f"The documents of all jobs have reached the limit of {self._documents.max_total_bytes} bytes; "
                "submit again when some have been classified."
            )
        return None

    def _refusal_of_fetch(self, waiting: Waiting) -> Exception | None:
        """Return the error for a submit whose document must be fetched, as :meth:`_refusal` does."""
        if waiting.jobs < self._capacity and waiting.to_fetch >= max(1, self._capacity // 2):
            waits = f"{waiting.to_fetch} documents wait to be fetched already; try again later"
            return unavailable("fetches_full", waits)
        return self._refusal(waiting)
