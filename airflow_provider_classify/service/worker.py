"""
Run the jobs of the queue: fetch the documents that must be fetched, then classify several at a time.

Several processes can run the jobs of one record. Only one of them has the claim on a job at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentCrashedParser,
    EngineClosed,
    JobNotFound,
    JobRecordDamaged,
    JobRecordUnavailable,
    StorageError,
    StorageNotFound,
)
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import JobRequest
from airflow_provider_classify.job_record.work_queue import Claim
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.escalations import escalated
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.trace import traced
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.fetch_jobs import FetchJobs
from airflow_provider_classify.service.fetch_url import FetchLimits
from airflow_provider_classify.service.job_errors import engine_died, error_for_api, recorded_error
from airflow_provider_classify.service.leases import Leases

#: Seconds that a stop waits for the documents that are being classified. Kubernetes kills it after 30 s.
GRACE_SECONDS = 20.0
#: Seconds that a stop waits for the threads after it has closed the engine.
STOP_SECONDS = 5.0
#: Seconds until a job is tried again after its record or its document could not be read or written.
RECORD_RETRY_SECONDS = 5.0
#: Seconds until an idle worker looks again for jobs that other processes have added or given back.
POLL_SECONDS = 0.5
#: A job fails when its document has ended this many processes of the engine.
MAX_CRASHES = 2
#: A job fails when this many workers have disappeared while they classified its document.
MAX_LOSSES = 2
#: The same for a service of several processes. Its workers are more often killed for reasons other than the document.
MAX_LOSSES_OF_SEVERAL = 5

_log = logging.getLogger(__name__)
_Returned = TypeVar("_Returned")


class Classifier(Protocol):
    """Classifies documents from several threads at the same time, as :class:`~.pipeline.Pipeline` does."""

    def classify(self, path: str, categories: tuple[Category, ...], *, name: str, job_id: str) -> ClassificationResult:
        """Classify the document of a job; raise a :class:`ClassifyError` if that is not possible."""

    def cancel(self, job_id: str) -> None:
        """Stop the classification of a deleted job, as far as it can be stopped."""

    def close(self) -> None:
        """Stop every classification that is running."""


class Worker:
    """
    Runs the jobs of a record.

    :param threads: the number of threads that run jobs.
    :param allow_private_urls: also fetch documents from loopback, private and other addresses that are not public.
    :param max_losses: a job fails when this many workers have disappeared while they classified its document.
    :param record_retry_seconds: seconds until a job is tried again after its record or its document could not be read
        or written.
    :param poll_seconds: seconds between two searches for jobs that other processes have added or given back.
    """

    def __init__(
        self,
        store: JobStore,
        documents: Documents,
        classifier: Classifier,
        events: Events,
        *,
        threads: int,
        allow_private_urls: bool = False,
        max_losses: int = MAX_LOSSES,
        fetch_limits: FetchLimits | None = None,
        record_retry_seconds: float = RECORD_RETRY_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._store = store
        self._documents = documents
        self._classifier = classifier
        self._events = events
        self._max_losses = max_losses
        self._record_retry_seconds = record_retry_seconds
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._wake = threading.Event()
        # A thread holds this lock while it looks for a job, so that only one thread queries an empty queue repeatedly.
        self._turn = threading.Lock()
        # Whether a job runs here whose last worker disappeared. Only one such job runs at a time. If its document ends
        # this worker too, no other such job counts a further loss.
        self._runs_suspect = False
        self._leases = Leases(store.queue, self._lost)
        self._fetches = FetchJobs(
            store,
            documents,
            self._leases,
            fetched=self._wake.set,
            failed=self._end_as_failed,
            events=events,
            allow_private=allow_private_urls,
            limits=fetch_limits or FetchLimits(),
            poll_seconds=poll_seconds,
            record_retry_seconds=record_retry_seconds,
        )
        # The threads are daemons, so that a document that hangs the engine cannot prevent the end of the process.
        self._threads = [threading.Thread(target=self._run, name=f"classify-{i}", daemon=True) for i in range(threads)]

    def start(self) -> None:
        """Start the threads."""
        self._leases.start()
        self._fetches.start()
        for thread in self._threads:
            thread.start()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """
        Claim no more jobs, wait for the documents that are being classified, and give back the other jobs.

        :param grace_seconds: seconds to wait. Jobs that run longer are given back. Another worker, or a later start,
            runs them again.
        """
        self._stopping.set()
        self.wake()
        self._fetches.stop(STOP_SECONDS)
        self._join(grace_seconds)
        self._classifier.close()
        self._join(STOP_SECONDS)
        try:
            self._leases.stop()
        except JobRecordUnavailable:
            _log.exception("Some jobs could not be given back; they run again when their leases have expired.")

    def wake(self, *, to_fetch: bool = False) -> None:
        """Look for jobs now, because one was added; ``to_fetch`` says whether its document must be fetched."""
        if to_fetch:
            self._fetches.wake()
        else:
            self._wake.set()

    def cancel(self, job_id: str) -> None:
        """Stop the work on a deleted job, if the job runs here and can be stopped."""
        self._fetches.cancel(job_id)
        self._classifier.cancel(job_id)

    def _lost(self, claim: Claim) -> None:
        """Stop the work on a job that another worker has claimed, or that a request to another process has deleted."""
        self._fetches.cancel(claim.job_id)
        if self._store.has_ended(claim.job_id):
            self._classifier.cancel(claim.job_id)

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (claim := self._next()) is not None:
            with self._leases.held(claim):
                try:
                    self._classify(claim)
                except Exception:
                    # After any error, the thread must continue with the other jobs. The lease of this job expires, and
                    # it runs again.
                    _log.exception("The end of the job %s could not be recorded.", claim.job_id)
            if claim.losses:
                self._runs_suspect = False

    def _next(self) -> Claim | None:
        """Wait for a job and claim it; return ``None`` when the worker stops."""
        with self._turn:
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    claim = self._store.queue.claim(lost_before=not self._runs_suspect)
                except Exception:  # After any error, the thread must run the later jobs.
                    _log.exception("No job could be claimed; this is tried again.")
                    self._stopping.wait(self._record_retry_seconds)
                    continue
                if claim is not None:
                    self._runs_suspect = self._runs_suspect or claim.losses > 0
                    return claim
                self._wake.wait(self._poll_seconds)
        return None

    def _classify(self, claim: Claim) -> None:
        try:
            request = claim.request or self._retry(claim, lambda: self._store.request(claim.job_id))
        except JobNotFound:  # A client has deleted the job.
            return
        except JobRecordDamaged as error:
            self._end_as_failed(claim, error)
            return
        with traced(request.traceparent), escalated(request.escalations):
            self._classify_request(claim, request)

    def _classify_request(self, claim: Claim, request: JobRequest) -> None:
        self._events.started(claim.job_id, request.created_at)
        try:
            if claim.losses >= self._max_losses:
                raise DocumentCrashedParser(
                    f"{claim.losses} workers ended without an answer while they classified the document "
                    f"{request.document!r}; save it again, or in another format."
                )
            with self._documents.opened(claim.job_id) as path, self._events.timed("classify"):
                result = self._classify_file(path, request.categories, request.document, claim.job_id)
        except JobRecordUnavailable:
            raise
        except Exception as error:  # after any error, the job must end as failed
            self._end_as_failed(claim, error)
        else:
            if self._end(claim, lambda: self._store.complete_claim(claim, result)):
                self._events.completed(claim.job_id, result)

    def _classify_file(
        self, path: str, categories: tuple[Category, ...], name: str, job_id: str
    ) -> ClassificationResult:
        try:
            return self._classifier.classify(path, categories, name=name, job_id=job_id)
        except ClassifyError as error:
            shown = error_for_api(error, path)
            if shown is error:
                raise
            raise shown from error

    def _end_as_failed(self, claim: Claim, error: Exception) -> None:
        """Record that a job failed. Give the job back instead if it can succeed later or in another worker."""
        if self._stopping.is_set() or isinstance(error, EngineClosed):
            self._store.queue.give_back(claim)
            return
        if isinstance(error, StorageError) and not isinstance(error, StorageNotFound):
            _log.error(
                "The document of the job %s cannot be read; the job is tried again.", claim.job_id, exc_info=error
            )
            after = timedelta(seconds=self._record_retry_seconds)
            self._retry(claim, lambda: self._store.queue.give_back(claim, after=after))
            return
        if engine_died(error) and claim.crashes + 1 < MAX_CRASHES:
            _log.warning("%s The document is tried once more.", error)
            self._retry(claim, lambda: self._store.queue.give_back(claim, crashed=True))
            self.wake()
            return
        if self._end(claim, lambda: self._store.fail_claim(claim, recorded_error(claim.job_id, error))):
            self._events.failed(claim.job_id, error)

    def _end(self, claim: Claim, record_end: Callable[[], bool]) -> bool:
        """Record the end of a job and delete its document. Return whether the record has this end of the job."""
        is_recorded = self._retry(claim, record_end)
        if not is_recorded:
            if not self._store.has_ended(claim.job_id):
                _log.warning("The lease of the job %s had expired; its result is ignored.", claim.job_id)
                return False  # Another worker has the job, and needs the document.
            _log.info("The job %s had ended already; this result is ignored.", claim.job_id)
        try:
            self._documents.remove(claim.job_id)
        except StorageError as error:
            _log.error("The document of the job %s is deleted later: %s", claim.job_id, error)
        return is_recorded

    def _retry(self, claim: Claim, call: Callable[[], _Returned]) -> _Returned:
        """
        Make a call to the record, again and again until the record can be reached.

        :raises JobRecordUnavailable: the worker stops, and the record still cannot be reached.
        """
        while True:
            try:
                return call()
            except JobRecordUnavailable:
                if self._stopping.is_set():
                    raise
                _log.exception("The record of the job %s cannot be reached; this is tried again.", claim.job_id)
                self._stopping.wait(self._record_retry_seconds)
