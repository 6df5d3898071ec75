"""
Run the recorded jobs: fetch the documents that must be fetched, then classify several at a time.

The record of jobs has the jobs that must run. The queue in memory has only their order.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Protocol

from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentCorrupt,
    DocumentNotReadable,
    JobNotFound,
    JobRecordUnavailable,
    StorageFull,
)
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.api_contract import CANNOT_OPEN
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.fetch_jobs import FetchJobs
from airflow_provider_classify.service.fetch_url import FetchLimits
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.upload_folder import UploadFolder

#: Seconds that a stop waits for the threads.
STOP_SECONDS = 5.0
#: Seconds until a job is tried again after its record could not be read or written.
RECORD_RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Classifier(Protocol):
    """Classifies documents from several threads at the same time, as the engine's ``EnginePool`` does."""

    def classify(self, path: Path, categories: tuple[Category, ...], *, name: str) -> ClassificationResult:
        """Classify one document; raise a :class:`ClassifyError` if that is not possible."""

    def close(self) -> None:
        """Stop every classification that is running."""


class Worker:
    """
    Runs the jobs of a record.

    :param threads: documents that are classified at the same time.
    :param capacity: the most jobs that may wait; further submits are refused.
    :param allow_private_urls: also fetch documents from addresses that are not public.
    """

    def __init__(
        self,
        store: JobStore,
        folder: UploadFolder,
        classifier: Classifier,
        events: Events,
        *,
        threads: int,
        capacity: int,
        allow_private_urls: bool = False,
        fetch_limits: FetchLimits | None = None,
        record_retry_seconds: float = RECORD_RETRY_SECONDS,
    ) -> None:
        self.queue = JobQueue(capacity)
        self._store = store
        self._folder = folder
        self._classifier = classifier
        self._events = events
        self._record_retry_seconds = record_retry_seconds
        self._stopping = threading.Event()
        self._fetches = FetchJobs(
            store,
            folder,
            fetched=self._put_if_waiting,
            failed=self._fetch_failed,
            events=events,
            allow_private=allow_private_urls,
            limits=fetch_limits or FetchLimits(),
            record_retry_seconds=record_retry_seconds,
        )
        # The threads are daemons, so that a document that hangs cannot prevent the end of the process.
        self._threads = [threading.Thread(target=self._run, name=f"classify-{i}", daemon=True) for i in range(threads)]

    def start(self) -> None:
        """Start the threads. They first run the jobs that an earlier run left unfinished, the oldest first."""
        unfinished = self._store.unfinished()
        self._folder.clear(keep=frozenset(unfinished))
        self._fetches.start()
        for job_id in unfinished:
            has_document = self._folder.path(job_id).exists()
            self.queue.reserve(job_id, to_fetch=not has_document, even_if_full=True)
            self.accept(job_id)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop immediately. A running job stays unfinished in the record, and the next start runs it again."""
        deadline = time.monotonic() + STOP_SECONDS
        self._stopping.set()
        self._classifier.close()
        self.queue.close()
        self._fetches.stop(STOP_SECONDS)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def accept(self, job_id: str) -> None:
        """Queue a recorded job, or first fetch its document if the folder does not have it."""
        if self._folder.path(job_id).exists():
            self.queue.put(job_id)
        else:
            self._fetches.add(job_id)

    def cancel(self, job_id: str) -> None:
        """
        Cancel a job: free its place in the queue and delete its document.

        A classification that has begun runs to its end, and its result is ignored.

        :raises JobNotFound: there is no such job.
        """
        self._store.cancel(job_id)
        self.queue.remove(job_id)
        self._fetches.cancel(job_id)
        self._folder.remove(job_id)

    def _put_if_waiting(self, job_id: str) -> None:
        if self.queue.has_place(job_id):
            self.queue.put(job_id)
        else:  # The job was cancelled after the last byte of its document had arrived.
            self._folder.remove(job_id)

    def _fetch_failed(self, job_id: str, error: Exception) -> None:
        self.queue.remove(job_id)
        self._fail(job_id, error)

    def _run(self) -> None:
        while (job_id := self.queue.get()) is not None:
            try:
                self._classify(job_id)
            except JobRecordUnavailable:
                _log.exception("The record of the job %s cannot be reached; the job is tried again.", job_id)
                if not self._stopping.wait(self._record_retry_seconds):
                    self.queue.put(job_id)
            except Exception:
                # After any error, the thread must continue with the other jobs. If this job has not ended, the next
                # start runs it again.
                _log.exception("The end of the job %s could not be recorded.", job_id)

    def _classify(self, job_id: str) -> None:
        if self._store.get(job_id).status.is_terminal:  # The job was cancelled while it waited.
            self._folder.remove(job_id)
            return
        try:
            request = self._store.request(job_id)
            self._store.start(job_id)
            self._events.started(job_id, request.created_at)
            with self._events.timed("classify"):
                result = self._classifier.classify(self._folder.path(job_id), request.categories, name=request.document)
            if self._store.complete(job_id, result):
                self._events.completed(job_id, result)
        except (JobRecordUnavailable, JobNotFound):
            raise
        except Exception as error:  # after any error, the job must end as failed
            self._fail(job_id, error)
        else:
            self._folder.remove(job_id)

    def _fail(self, job_id: str, error: Exception) -> None:
        if self._stopping.is_set():
            return  # The stop caused the error. The next start runs the job again.
        if isinstance(error, StorageFull):
            error = DocumentNotReadable(f"The document of the job {job_id} could not be stored: {error}")
        if isinstance(error, ClassifyError):
            failed = self._store.fail(job_id, error_for_api(error, self._folder.path(job_id)))
        else:
            _log.error("The job %s failed because of a fault in the service.", job_id, exc_info=error)
            failed = self._store.fail(job_id, "The service failed on this document; see the service's log.")
        if failed:
            self._events.failed(job_id, error)
        self._folder.remove(job_id)


def error_for_api(error: ClassifyError, path: Path) -> ClassifyError:
    """Return the error with the API's message if it reports a damaged PDF; return any other error unchanged."""
    if not isinstance(error, DocumentCorrupt):
        return error
    try:
        with path.open("rb") as file:
            is_pdf = b"%PDF-" in file.read(1024)
    except FileNotFoundError:  # The job was cancelled.
        return error
    return DocumentCorrupt(CANNOT_OPEN) if is_pdf else error
