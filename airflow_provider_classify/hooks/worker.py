"""The calls of the hook in a thread, such as a task's. :class:`ClassifyHook` describes their arguments and errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, ConnectionNotUsable
from airflow_provider_classify.hooks.answer import answer_of, log_submission
from airflow_provider_classify.hooks.backend import Backend, create_backend
from airflow_provider_classify.hooks.connection import Settings
from airflow_provider_classify.hooks.settings import SettingsReader
from airflow_provider_classify.hooks.waiting import look, wait_in_thread
from airflow_provider_classify.lifecycle import tracing
from airflow_provider_classify.lifecycle.cancel import describe_cancel
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.model.job import Job, Submission

#: Seconds within which the backend must return a job that has ended.
_FETCH_TIMEOUT = 120.0


class WorkerCalls:
    """
    Call the backend of a connection from a thread. ``hooks/event_loop.py`` does the same on an event loop.

    :param reader: reads the settings of the connection.
    :param thumbnails: whether the local engine also draws the first page of each document.
    """

    def __init__(self, reader: SettingsReader, log: Any, *, thumbnails: bool) -> None:
        self.reader = reader
        self._log = log
        self._thumbnails = thumbnails

    @cached_property
    def settings(self) -> Settings:
        """The settings of the connection. They are read once."""
        return self.reader.read()

    @cached_property
    def backend(self) -> Backend:
        """The backend of the connection."""
        return create_backend(self.settings, thumbnails=self._thumbnails)

    @property
    def backend_name(self) -> str:
        """The name of the backend, for metrics and spans."""
        try:
            return self.settings.backend_name
        except ConnectionNotUsable:
            return "unknown"

    def close(self, *exc_info: object) -> None:
        """Close the connections of the backend, if there is one."""
        if "backend" in self.__dict__:  # closing must not create a backend
            self.backend.__exit__(*exc_info)

    def classify(self, document: DocumentLike, categories: CategoriesLike, seconds: float) -> dict[str, Any]:
        """Submit a document, wait for its job for at most ``seconds``, and return the result in the form for XCom."""
        since = time.time()
        submission = self.submit(document, categories, str(uuid.uuid4()))
        wait = polling.Wait(submission.job_id, since=since, deadline=since + seconds)
        return self.answer(self.wait(wait), document, categories)

    def submit(self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None) -> Submission:
        """Submit a document and return its job."""
        found, parsed = Document.of(document), parse_categories(categories)
        with tracing.span(tracing.SUBMIT, backend=self.backend_name, document=found.label) as span:
            submission = self.backend.submit(found, parsed, idempotency_key)
            log_submission(found, submission, self.backend_name, span, self._log)
        return submission

    def look(self, job_id: str, *, timeout: float | None) -> Job | ClassifyError:
        """Return the current state of a job, or a retryable error."""
        return look(self.backend, job_id, timeout=timeout)

    def wait(self, wait: polling.Wait) -> Job:
        """Wait for a job."""
        with tracing.span(tracing.WAIT, backend=self.backend_name, job_id=wait.job_id):
            return wait_in_thread(self.backend, wait, self._log)

    def fetch(self, job_id: str) -> Job:
        """Return a job that has ended."""
        now = time.time()
        return wait_in_thread(self.backend, polling.Wait(job_id, since=now, deadline=now + _FETCH_TIMEOUT), self._log)

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job."""
        job = self.backend.cancel(job_id)
        self._log.info("%s.", describe_cancel(job_id, job))
        return job

    def answer(self, job: Job, document: DocumentLike | None, categories: CategoriesLike | None) -> dict[str, Any]:
        """Return the result of a job that has ended, in the form for XCom."""
        return answer_of(job, document, categories, self.settings, self._log)

    def thumbnail(self, result: Mapping[str, Any]) -> str | None:
        """Return a small picture of the first page of the document that was submitted last."""
        if not (self._thumbnails and self.settings.reads_documents and self.settings.evidence):
            return None
        from airflow_provider_classify.local.backend import LocalBackend
        from airflow_provider_classify.local.thumbnails import small_first_page

        backend = self.backend
        if isinstance(backend, LocalBackend) and backend.has_drawn:
            return backend.thumbnail
        return small_first_page(result)

    def split(self, document: DocumentLike, result: Mapping[str, Any], to: str) -> list[dict[str, Any]]:
        """Write each document of a packet as a PDF of its own."""
        from airflow_provider_classify.local.settings import LocalSettings
        from airflow_provider_classify.local.split import split_packet

        settings = self.settings if isinstance(self.settings, LocalSettings) else None
        return split_packet(Document.of(document), result, to, settings)

    def test(self) -> tuple[bool, str]:
        """Test the connection, and return whether it can be used, with a sentence about it."""
        try:
            warnings = self.settings.warnings
            self.reader.refuse_unknown_extras()
            return True, " ".join([self.backend.check(), *warnings])
        except ClassifyError as error:
            return False, str(error)
