"""Delete expired jobs, and the webhooks and documents that no job needs."""

from __future__ import annotations

import logging
import threading

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.api_contract import MAX_STATUS_IDS
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.webhook_store import WebhookStore

#: Seconds between two runs.
CLEAN_SECONDS = 300.0

_log = logging.getLogger(__name__)


class Cleaner:
    """
    Deletes expired jobs, and webhooks and documents without a job, in a thread.

    :param seconds: seconds between two runs.
    """

    def __init__(self, store: JobStore, documents: Documents, *, seconds: float = CLEAN_SECONDS) -> None:
        self._store = store
        self._documents = documents
        self._webhooks = WebhookStore(store)
        self._seconds = seconds
        self._seen: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="classify-clean", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        self._thread.join()

    def clean(self) -> None:
        """
        Delete expired jobs, webhooks without a job, and documents without an unfinished job.

        A document is deleted only if the run before also found it without an unfinished job. A document that has just
        arrived has no job yet, because the document is stored before its job is recorded.

        :raises JobRecordUnavailable: the record cannot be reached.
        :raises StorageError: a document could not be listed or deleted.
        """
        while self._store.prune() and not self._stopping.is_set():
            pass
        self._webhooks.remove_without_job()
        unneeded = self._unneeded(self._documents.job_ids())
        for job_id in unneeded & self._seen:
            self._documents.remove(job_id)
        self._seen = unneeded

    def _unneeded(self, job_ids: set[str]) -> set[str]:
        unneeded: set[str] = set()
        listed = sorted(job_ids)
        for first in range(0, len(listed), MAX_STATUS_IDS):
            statuses = self._store.statuses(listed[first : first + MAX_STATUS_IDS])
            ended = [job_id for job_id, status in statuses.by_id.items() if status.is_terminal]
            unneeded.update(ended, statuses.not_found)
        return unneeded

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.clean()
            except Exception:  # After any error, the later runs must take place.
                _log.exception("Expired jobs and documents could not be deleted; this is tried again.")
