"""
A backend that does its jobs where the task runs, and records them in a database.

The local engine and the language models are such backends. A submit does the whole job and records its outcome.
``get`` reads the record. A sensor on another worker can also get the job, if it can reach the record
(``[classify] jobs_url``).
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify.api.poller import Poller
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, DocumentError, JobNotFound
from airflow_provider_classify.job_session import OnLooked, ignore_looks
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.api_contract import MAX_STATUS_IDS
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission, require_job_id
from airflow_provider_classify.model.result import ClassificationResult

if TYPE_CHECKING:
    from airflow_provider_classify.job_record.job_store import JobStore


#: Classifies a file into categories. The last argument is the document's name in errors.
Classify = Callable[[Path, Sequence[Category], str], ClassificationResult]


def default_jobs_url() -> str:
    """Return the URL of the record: ``[classify] jobs_url``, or by default a SQLite file under Airflow's home."""
    url = conf.get("classify", "jobs_url", fallback="")
    if url:
        return str(url)
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return f"sqlite:///{home / 'classify' / 'jobs.db'}"


class RecordedBackend(ABC):
    """
    The record of jobs, and the methods that need only the record. A subclass classifies.

    :param evidence: whether the record keeps text of the documents.
    :param on_looked: called after each status request of a session of :meth:`connect`, with the number of its jobs.
    """

    #: The value of ``backend`` in the connection, for metrics and spans.
    backend_name: ClassVar[str]
    #: Whether a second submit of the same document costs nothing but time.
    resubmit_is_free: ClassVar[bool]
    #: What classifies, for the message of a submit.
    classifier: ClassVar[str]

    def __init__(self, *, evidence: bool, on_looked: OnLooked = ignore_looks) -> None:
        self._evidence = evidence
        self.on_looked = on_looked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:  # noqa: B027 - there are no connections to close
        """Do nothing."""

    @cached_property
    def _store(self) -> JobStore:
        from airflow_provider_classify.job_record.job_store import JobStore

        return JobStore(default_jobs_url())

    @abstractmethod
    def _prepare(self, categories: Sequence[Category]) -> Sequence[Category]:
        """Check what a job needs, before it is recorded, and return the categories to classify into."""

    @abstractmethod
    def _classify(self, path: Path, categories: Sequence[Category], name: str) -> ClassificationResult:
        """Classify a document. :raises ClassifyError: it cannot be classified."""

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Classify a document, record the job, and return it. A document that cannot be classified is a failed job.

        If the ``idempotency_key`` has a completed job, return that job. If its job has not ended, a worker was killed
        during the job, because jobs run inside their task. Then run that job again.

        :raises DocumentError: the document is missing, empty, too large, not readable or not allowed. No job is
            recorded.
        :raises ClassifyError: the classifier cannot be used.
        """
        return self.run_job(self._classify, document, categories, idempotency_key)

    def run_job(
        self, classify: Classify, document: Document, categories: Sequence[Category], idempotency_key: str | None
    ) -> Submission:
        """
        Do the same as :meth:`submit`, with an engine or a model that is already open.

        :param classify: classifies the file of the document, and raises :class:`ClassifyError` if it cannot.
        """
        categories = self._prepare(categories)
        with document.local_copy() as path:
            job = self._job_for(document.label, categories, idempotency_key)
            job_id = job.job_id
            if job.status is JobStatus.COMPLETED:
                return Submission(job_id=job_id, status=job.status, message="Classified by an earlier submit")
            self._store.start(job_id)
            try:
                result = classify(path, categories, document.label)
            except ClassifyError as error:
                self._store.fail(job_id, error)
                if not isinstance(error, DocumentError):
                    raise
            else:
                self._store.complete(job_id, result if self._evidence else result.without_text())
        status = self.get(job_id).status
        return Submission(job_id=job_id, status=status, message=f"Classified by {self.classifier}")

    def has_answer(self, idempotency_key: str) -> bool:
        """Return whether a submit with this key has a completed job."""
        for key in _keys(idempotency_key):
            job = self._store.find(key)
            if job is None or job.status is not JobStatus.FAILED:
                break
        return job is not None and job.status is JobStatus.COMPLETED

    def keep(
        self, label: str, categories: Sequence[Category], idempotency_key: str, result: ClassificationResult
    ) -> str:
        """Record a completed job for a result that :meth:`run_job` did not produce. :returns: the id of the job."""
        job = self._job_for(label, categories, idempotency_key)
        self._store.complete(job.job_id, result if self._evidence else result.without_text())
        return job.job_id

    def _job_for(self, label: str, categories: Sequence[Category], idempotency_key: str | None) -> Job:
        """
        Return the job of a key, or a new one.

        A failed job keeps its error and its key, so the next job gets the key with a number at its end.
        """
        if idempotency_key is None:
            return self._store.add(label, categories)
        for key in _keys(idempotency_key):
            job = self._store.add(label, categories, idempotency_key=key)
            if job.status is not JobStatus.FAILED:
                break
        return job

    def get(self, job_id: str, *, timeout: float | None = None) -> Job:
        """Return a job from the record. :raises JobNotFound: the job does not exist, or it has expired."""
        return self._store.get(require_job_id(job_id))

    def cancel(self, job_id: str) -> Job | None:
        """Record an unfinished job as cancelled, which ends all waits for it. Its work ends with its task."""
        try:
            self._store.cancel(require_job_id(job_id))
            return self._store.get(job_id)
        except JobNotFound:
            return None

    def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Return the statuses of several jobs, and a :class:`JobNotFound` for each job that is not in the record."""
        from airflow_provider_classify.job_record.job_table import not_recorded

        found = self._store.statuses(job_ids)
        return {**found.by_id, **{job_id: not_recorded(job_id) for job_id in found.not_found}}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[RecordedSession]:
        """Open a session, which runs each call on a thread."""
        session = RecordedSession(self)
        try:
            yield session
        finally:
            await session.poller.close()


def _keys(idempotency_key: str) -> Iterator[str]:
    """Yield the keys of the jobs of a submit: the first, and those of the jobs after a failed one, without end."""
    yield idempotency_key
    for number in count(1):
        yield f"{idempotency_key}/{number}"


class RecordedSession:
    """A recorded backend on an event loop. Each call runs on a thread, because database and classifier block."""

    group_size = MAX_STATUS_IDS

    def __init__(self, backend: RecordedBackend) -> None:
        self._backend = backend
        self.backend_name = backend.backend_name
        self.poller = Poller(self, rate=None, on_looked=backend.on_looked)

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document; see :meth:`RecordedBackend.submit`."""
        return await asyncio.to_thread(self._backend.submit, document, categories, idempotency_key)

    async def get(self, job_id: str) -> Job:
        """Return a job; see :meth:`RecordedBackend.get`."""
        return await asyncio.to_thread(self._backend.get, job_id)

    async def cancel(self, job_id: str) -> Job | None:
        """Cancel a job; see :meth:`RecordedBackend.cancel`."""
        return await asyncio.to_thread(self._backend.cancel, job_id)

    async def watch(self, wait: polling.Wait, log: Any = None) -> polling.Ended | polling.GaveUp:
        """Wait until a job of another worker or of a killed task has ended or its deadline has passed."""
        return await self.poller.watch(wait, log)

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Return the statuses of jobs, with one query. :raises JobRecordUnavailable: the record cannot be reached."""
        return await asyncio.to_thread(self._backend.statuses, job_ids)
