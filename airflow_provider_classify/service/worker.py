"""
The work behind the routes: a bounded queue, and threads that fetch and classify.

A job that names a URL is fetched first, by threads of their own, so that a slow server holds
up no document that is here already. The record of jobs says what is to be done; the queues in memory
only say in which order.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from airflow_provider_classify.exceptions import ClassifyError, DocumentCorrupt, JobNotFound, JobRecordUnavailable
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import CANNOT_OPEN, ClassificationResult
from airflow_provider_classify.service.fetching import fetch
from airflow_provider_classify.service.refusals import unavailable
from airflow_provider_classify.service.spool import Spool

#: Documents that are fetched at the same time.
FETCHERS = 4
#: Seconds that a stop waits for the threads.
STOP_SECONDS = 5.0
#: Seconds after which a job is tried again whose record could not be read or written.
RECORD_RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Classifier(Protocol):
    """Classifies documents from several threads at once; the engine's ``EnginePool`` is one."""

    def classify(self, path: Path, categories: tuple[Category, ...], *, name: str) -> ClassificationResult:
        """Classify one document; raise a :class:`ClassifyError` if that is not possible."""

    def close(self) -> None:
        """End what is running."""


class Work:
    """
    Runs the jobs of a record.

    :param threads: documents that are classified at the same time.
    :param capacity: jobs that may wait; a submit beyond is refused.
    """

    def __init__(self, store: JobStore, spool: Spool, classifier: Classifier, *, threads: int, capacity: int) -> None:
        self._store = store
        self._spool = spool
        self._classifier = classifier
        self._capacity = capacity
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._to_fetch: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._to_classify: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # Daemons, so that a transfer that does not end cannot keep the process from its end.
        self._threads = [
            threading.Thread(target=self._run, args=(line, step), name=f"classify-{name}-{i}", daemon=True)
            for line, step, name, count in (
                (self._to_fetch, self._fetch, "fetch", FETCHERS),
                (self._to_classify, self._classify, "work", threads),
            )
            for i in range(count)
        ]

    def start(self) -> None:
        """Begin, with what an earlier run left unfinished, the oldest first."""
        unfinished = self._store.unfinished()
        self._spool.clear(keep=frozenset(unfinished))
        for job_id in unfinished:
            self._waiting.add(job_id)
            self.submit(job_id)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End at once. A job that is running stays unfinished in the record, to be run again."""
        self._stopping.set()
        self._classifier.close()
        for thread in self._threads:
            (self._to_fetch if "fetch" in thread.name else self._to_classify).put(None)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def reserve(self, job_id: str) -> None:
        """
        Take a place in the queue, before the upload is read; the job has it until it is classified or released.

        :raises Refusal: 503, every place is taken.
        """
        with self._lock:
            if len(self._waiting) >= self._capacity:
                raise unavailable("queue_full", f"{self._capacity} documents are waiting already; try again later")
            self._waiting.add(job_id)

    def release(self, job_id: str) -> None:
        """Give the job's place back, if it still has one."""
        with self._lock:
            self._waiting.discard(job_id)

    def submit(self, job_id: str) -> None:
        """Queue a recorded job, whose document is in the spool or is to be fetched."""
        (self._to_classify if self._spool.path(job_id).exists() else self._to_fetch).put(job_id)

    def cancel(self, job_id: str) -> None:
        """
        Have a job not done any more. Its place in the queue is free at once; what is being fetched or
        classified runs on, and its outcome counts for nothing.

        :raises JobNotFound: no such job.
        """
        self._store.cancel(job_id)
        self.release(job_id)

    def _run(self, line: queue.SimpleQueue[str | None], step: Callable[[str], None]) -> None:
        while (job_id := line.get()) is not None and not self._stopping.is_set():
            try:
                self._carry_out(job_id, step)
            except JobRecordUnavailable:
                _log.exception("The job %s is tried again, as its record was out of reach.", job_id)
                if not self._stopping.wait(RECORD_RETRY_SECONDS):
                    self.submit(job_id)
            except Exception:
                # The thread serves every other job too. If this one is unfinished, the next start runs it again.
                _log.exception("The end of the job %s could not be recorded.", job_id)

    def _carry_out(self, job_id: str, step: Callable[[str], None]) -> None:
        try:
            if self._store.get(job_id).status.is_terminal:  # cancelled while it waited
                self._spool.remove(job_id)
            else:
                step(job_id)
        except (JobRecordUnavailable, JobNotFound):
            raise
        except ClassifyError as error:
            self._fail(job_id, as_the_api_says(error, self._spool.path(job_id)))
        except Exception:
            if self._stopping.is_set():
                return
            _log.exception("The job %s failed for a reason that is not its document.", job_id)
            self._fail(job_id, "The service failed on this document; its log says why.")

    def _fetch(self, job_id: str) -> None:
        url = self._store.request(job_id).file_url
        self._store.start(job_id)
        if url is not None:
            document = self._spool.create(job_id)
            try:
                fetch(url, document.write, go_on=lambda: not self._stopping.is_set())
                document.commit()
            except BaseException:
                document.discard()
                self.release(job_id)
                raise
        # Without a URL this was an upload whose file has vanished, and the engine will say so.
        self._to_classify.put(job_id)

    def _classify(self, job_id: str) -> None:
        self.release(job_id)
        request = self._store.request(job_id)
        self._store.start(job_id)
        path = self._spool.path(job_id)
        self._store.complete(job_id, self._classifier.classify(path, request.categories, name=request.document))
        self._spool.remove(job_id)

    def _fail(self, job_id: str, error: ClassifyError | str) -> None:
        if self._stopping.is_set():
            return  # The stop itself is the reason: the job runs again after a restart.
        self._store.fail(job_id, error)
        self._spool.remove(job_id)


def as_the_api_says(error: ClassifyError, path: Path) -> ClassifyError:
    """Give a damaged PDF the one sentence that the API has for it; every other error keeps its own."""
    if not isinstance(error, DocumentCorrupt):
        return error
    with path.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    return DocumentCorrupt(CANNOT_OPEN) if is_pdf else error
