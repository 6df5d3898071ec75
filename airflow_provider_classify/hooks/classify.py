"""The hook: classify documents through an Airflow connection of type ``classify``."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, ConnectionNotUsable
from airflow_provider_classify.hooks.answer import answer_of, log_submission
from airflow_provider_classify.hooks.backend import Backend, backend_name, create_backend
from airflow_provider_classify.hooks.connection import CONN_TYPE, Settings
from airflow_provider_classify.hooks.event_loop import EventLoopCalls
from airflow_provider_classify.hooks.settings import DEFAULT_CONN_ID, SettingsReader
from airflow_provider_classify.hooks.waiting import look, wait_in_thread
from airflow_provider_classify.lifecycle import tracing
from airflow_provider_classify.lifecycle.cancel import describe_cancel
from airflow_provider_classify.local.settings import LocalSettings
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.model.job import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.job_session import JobSession

__all__ = ["DEFAULT_CONN_ID", "WAIT_TIMEOUT", "ClassifyHook"]

#: The default number of seconds after which the wait for a job ends.
WAIT_TIMEOUT = 3600.0
#: Seconds within which the backend must return a job that has ended.
_FETCH_TIMEOUT = 120.0


class ClassifyHook(BaseHook):
    """
    Classify documents through a connection: a classify API, the local engine, or a language model.

    The ``backend`` of the connection selects which. If the connection ``classify_default`` is not defined, the local
    engine classifies, so that a first DAG needs no account. Any other connection must exist.

    The hook is a context manager that closes the backend's connections. A later call opens new ones.

    :param classify_conn_id: an Airflow connection of type ``classify``.
    :param evidence: whether the values for XCom contain text of the document. By default the connection decides.
    :param thumbnails: whether the local engine also draws the first page of each document, for :meth:`thumbnail`.
    """

    conn_name_attr = "classify_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = "Classify"

    def __init__(
        self, classify_conn_id: str = DEFAULT_CONN_ID, *, evidence: bool | None = None, thumbnails: bool = False
    ) -> None:
        super().__init__()
        self.classify_conn_id = classify_conn_id
        self._evidence = evidence
        self._thumbnails = thumbnails

    @cached_property
    def backend(self) -> Backend:
        """
        The backend that the connection names.

        :raises ConnectionNotUsable: the connection is missing, or one of its fields is missing or wrong.
        """
        return create_backend(self._settings, thumbnails=self._thumbnails)

    @property
    def backend_name(self) -> str:
        """``api``, ``local`` or ``model``, for metrics and spans; ``unknown`` if the connection cannot be used."""
        try:
            return backend_name(self._settings)
        except ConnectionNotUsable:
            return "unknown"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if "backend" in self.__dict__:  # closing must not create a backend
            self.backend.__exit__(*exc_info)

    @property
    def _reader(self) -> SettingsReader:
        return SettingsReader(self.classify_conn_id, self._evidence, self.log)

    @property
    def _event_loop(self) -> EventLoopCalls:
        return EventLoopCalls(self._reader, self.log)

    @cached_property
    def _settings(self) -> Settings:
        return self._reader.read()

    @property
    def reads_documents(self) -> bool:
        """
        Whether the documents are read where the task runs: for the local engine or a language model.

        :raises ConnectionNotUsable: as :attr:`backend`.
        """
        return not isinstance(self._settings, ApiSettings)

    def job_url(self, job_id: str) -> str:
        """
        Return the URL of a job at the API; an empty string for a job of another backend.

        :raises ConnectionNotUsable: as :attr:`backend`.
        """
        if not isinstance(self._settings, ApiSettings):
            return ""
        return f"{self._settings.base_url}/classify/{quote(job_id, safe='')}"

    def thumbnail(self, result: Mapping[str, Any]) -> str | None:
        """
        Return a small picture of the first page of the document that was submitted last, as a JPEG in Base64.

        :param result: the result of the document. If an earlier try has classified it, the page is drawn now.
        :returns: ``None`` for an API, without ``thumbnails`` or ``evidence``, and if the document has no picture.
        """
        if not (self._thumbnails and self.reads_documents and self.evidence):
            return None
        from airflow_provider_classify.local.backend import LocalBackend
        from airflow_provider_classify.local.thumbnails import small_first_page

        backend = self.backend
        if isinstance(backend, LocalBackend) and backend.has_drawn:
            return backend.thumbnail
        return small_first_page(result)

    def get_conn(self) -> Backend:
        """Return the :attr:`backend`. Airflow defines the name of this method."""
        return self.backend

    @property
    def evidence(self) -> bool:
        """Whether values for XCom contain text of the document. :raises ConnectionNotUsable: as :attr:`backend`."""
        return self._settings.evidence

    def classify(
        self, document: DocumentLike, categories: CategoriesLike, *, timeout: float = WAIT_TIMEOUT
    ) -> dict[str, Any]:
        """
        Classify a document and return its result, in the form that ``ClassifyOperator`` pushes to XCom.

        Unlike the operator, it keeps no job in the task's state. If the task is retried, it submits again.

        :param document: as for :meth:`submit`.
        :param categories: as for :meth:`submit`.
        :param timeout: seconds after which the wait for the job ends. The job continues.
        :raises DocumentError: the document cannot be read.
        :raises JobFailed: the job failed, or none of its pages was classified.
        :raises JobTimedOut: the job had not ended after ``timeout`` seconds.
        :raises ClassifyError: as :meth:`submit` and :meth:`wait`.
        """
        since = time.time()
        submission = self.submit(document, categories, str(uuid.uuid4()))
        wait = polling.Wait(submission.job_id, since=since, deadline=since + timeout)
        return self.answer(self.wait(wait), document, categories)

    async def aclassify(
        self,
        document: DocumentLike,
        categories: CategoriesLike,
        *,
        timeout: float = WAIT_TIMEOUT,  # noqa: ASYNC109 - the caller need not know asyncio.timeout
    ) -> dict[str, Any]:
        """
        Classify a document on an event loop, as :meth:`classify` does.

        Any number of calls can run concurrently. They share the HTTP connections and the requests for statuses.
        """
        return await self._event_loop.classify(document, categories, timeout)

    def answer(
        self, job: Job, document: DocumentLike | None = None, categories: CategoriesLike | None = None
    ) -> dict[str, Any]:
        """
        Return the result of a job that has ended, in the form for XCom.

        :param document: the document of the job; ``None`` if it is not known.
        :param categories: the categories of the job. If they are given, the answer has to be one of them.
        :raises JobFailed: the job failed, or none of its pages was classified.
        :raises ClassifyError: see :func:`polling.answer`.
        """
        return answer_of(job, document, categories, self._settings, self.log)

    def split(self, document: DocumentLike, result: Mapping[str, Any], to: str) -> list[dict[str, Any]]:
        """
        Write each document of a packet as a PDF of its own, in a child process with the limits of the local engine.

        :param document: the packet: a PDF or an image.
        :param result: its result, which lists the documents.
        :param to: the folder or object-storage URI for the PDFs. Files of the same names are replaced.
        :returns: for each document ``document`` (the path of the PDF), ``category``, ``pages``, ``confidence`` and
            ``packet``.
        :raises DocumentNotSplittable: it is of another format, or not all of its pages were classified.
        :raises StorageError: the storage refused the request or cannot be reached.
        :raises ExtraNotInstalled: the ``local`` extra is not installed.
        """
        from airflow_provider_classify.local.split import split_packet

        settings = self._settings if isinstance(self._settings, LocalSettings) else None
        return split_packet(Document.of(document), result, to, settings)

    def submit(
        self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None = None
    ) -> Submission:
        """
        Submit a document and return its job.

        :param document: local path, object-storage URI or http(s) URL; also an ``os.PathLike`` or an
            ``ObjectStoragePath``.
        :param categories: names, ``{"name", "description", "examples"}`` objects, an object
            ``{name: description}``, or the JSON text of these.
        :param idempotency_key: names this submit. If the backend honours keys, a second submit with the same key
            returns the job of the first, and a submit whose reply was lost is sent again.
        :raises InvalidCategories: the categories are not valid. Nothing is sent.
        :raises DocumentError: the document is missing, empty or too large to send.
        :raises ApiError: the API refused the request, or the request failed.
        """
        found, parsed = Document.of(document), parse_categories(categories)
        with tracing.span(tracing.SUBMIT, backend=self.backend_name, document=found.label) as span:
            submission = self.backend.submit(found, parsed, idempotency_key)
            log_submission(found, submission, self.backend_name, span, self.log)
        return submission

    def get(self, job_id: str) -> Job:
        """
        Return the current state of a job, with one request.

        :raises JobNotFound: the job does not exist, or it has expired.
        :raises ApiError: the API refused the request, or the request failed.
        """
        return self.backend.get(job_id)

    def cancel(self, job_id: str) -> Job | None:
        """
        Cancel a job that nobody needs any more.

        The hosted API has no cancel. This package's service removes a queued job from its queue. If the job is being
        processed, the service finishes it and drops the result. A job that has ended stays as it is with its result,
        because somebody else may need it.

        :returns: the state of the job; ``None`` if there is no such job or the API has no cancel.
        :raises ApiError: the API refused the request, or the request failed.
        """
        job = self.backend.cancel(job_id)
        self.log.info("%s.", describe_cancel(job_id, job))
        return job

    def look(self, job_id: str, *, timeout: float | None = None) -> Job | ClassifyError:
        """
        Return the current state of a job, or a retryable error, after which a later request may succeed.

        :param timeout: the most seconds that the request may take.
        :raises ClassifyError: the request failed with an error that is not retryable.
        """
        return look(self.backend, job_id, timeout=timeout)

    def wait(self, wait: polling.Wait) -> Job:
        """
        Wait for a job in this thread, with the pauses of :mod:`~airflow_provider_classify.model.polling`.

        :returns: the job that has ended, as completed or failed.
        :raises JobTimedOut: the job had not ended at the deadline. This is raised at most 1 s after the deadline.
        :raises ClassifyError: a request failed with an error that is not retryable, such as a rejected api key.
        """
        with tracing.span(tracing.WAIT, backend=self.backend_name, job_id=wait.job_id):
            return wait_in_thread(self.backend, wait, self.log)

    def fetch(self, job_id: str) -> Job:
        """
        Return a job that has ended. If the server fails, retry for up to 120 s.

        Without this, a short failure of the server would fail a task whose job has ended.

        :raises ClassifyError: the server did not return the job within 120 s, or a request failed with an error that is
            not retryable.
        """
        now = time.time()
        wait = polling.Wait(job_id, since=now, deadline=now + _FETCH_TIMEOUT)
        return wait_in_thread(self.backend, wait, self.log)

    def connect(self) -> AbstractAsyncContextManager[JobSession]:
        """
        Open a session on the running event loop. Its methods do not block.

        All users of an Airflow connection on a loop share one session, with its HTTP connections and its poller. The
        first user opens it, and the last user closes it.

        :raises ConnectionNotUsable: the connection is missing, or one of its fields is missing or wrong.
        """
        return self._event_loop.connect()

    async def asubmit(
        self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document on an event loop, as :meth:`submit` does. For several calls, use :meth:`connect`."""
        return await self._event_loop.submit(document, categories, idempotency_key)

    async def aget(self, job_id: str) -> Job:
        """Return a job on an event loop, as :meth:`get` does. For several calls, use :meth:`connect`."""
        return await self._event_loop.get(job_id)

    def test_connection(self) -> tuple[bool, str]:
        """
        Test the connection, for the "Test" button of Airflow's connection form.

        The test is stricter than a task: it fails for an unknown extra, because its name may be misspelled.
        """
        try:
            settings = self._settings
            self._reader.refuse_unknown_extras()
            warnings = settings.warnings if isinstance(settings, ApiSettings) else ()
            return True, " ".join([self.backend.check(), *warnings])
        except ClassifyError as error:
            return False, str(error)
