"""The hook: classify documents through an Airflow connection of type ``classify``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_classify.hooks.defaults import CONN_TYPE, DEFAULT_CONN_ID, WAIT_TIMEOUT

if TYPE_CHECKING:
    from airflow_provider_classify.documents.document import DocumentLike
    from airflow_provider_classify.exceptions import ClassifyError
    from airflow_provider_classify.hooks.backend import Backend
    from airflow_provider_classify.hooks.event_loop import EventLoopCalls
    from airflow_provider_classify.hooks.worker import WorkerCalls
    from airflow_provider_classify.job_session import JobSession
    from airflow_provider_classify.model import polling
    from airflow_provider_classify.model.categories import CategoriesLike
    from airflow_provider_classify.model.job import Job, Submission

__all__ = ["DEFAULT_CONN_ID", "WAIT_TIMEOUT", "ClassifyHook"]


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

    @property
    def backend(self) -> Backend:
        """
        The backend that the connection names.

        :raises ConnectionNotUsable: the connection is missing, or one of its fields is missing or wrong.
        """
        return self.worker.backend

    @property
    def backend_name(self) -> str:
        """``api``, ``local`` or ``model``, for metrics and spans; ``unknown`` if the connection cannot be used."""
        return self.worker.backend_name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if "worker" in self.__dict__:
            self.worker.close(*exc_info)

    @cached_property
    def worker(self) -> WorkerCalls:
        """The calls of the hook in a thread."""
        # A DAG file that uses the hook imports this module. These imports would make it slow to parse.
        from airflow_provider_classify.hooks.settings import SettingsReader
        from airflow_provider_classify.hooks.worker import WorkerCalls

        reader = SettingsReader(self.classify_conn_id, self._evidence, self.log)
        return WorkerCalls(reader, self.log, thumbnails=self._thumbnails)

    @property
    def _event_loop(self) -> EventLoopCalls:
        from airflow_provider_classify.hooks.event_loop import EventLoopCalls

        return EventLoopCalls(self.worker.reader, self.log)

    @property
    def reads_documents(self) -> bool:
        """
        Whether the documents are read where the task runs: for the local engine or a language model.

        :raises ConnectionNotUsable: as :attr:`backend`.
        """
        return self.worker.settings.reads_documents

    def job_url(self, job_id: str) -> str:
        """
        Return the URL of a job at the API; an empty string for a job of another backend.

        :raises ConnectionNotUsable: as :attr:`backend`.
        """
        return self.worker.settings.job_url(job_id)

    def thumbnail(self, result: Mapping[str, Any]) -> str | None:
        """
        Return a small picture of the first page of the document that was submitted last, as a JPEG in Base64.

        :param result: the result of the document. If an earlier try has classified it, the page is drawn now.
        :returns: ``None`` for an API, without ``thumbnails`` or ``evidence``, and if the document has no picture.
        """
        return self.worker.thumbnail(result)

    def get_conn(self) -> Backend:
        """Return the :attr:`backend`. Airflow defines the name of this method."""
        return self.backend

    @property
    def evidence(self) -> bool:
        """Whether values for XCom contain text of the document. :raises ConnectionNotUsable: as :attr:`backend`."""
        return self.worker.settings.evidence

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
        return self.worker.classify(document, categories, timeout)

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
        return self.worker.answer(job, document, categories)

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
        return self.worker.split(document, result, to)

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
        return self.worker.submit(document, categories, idempotency_key)

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
        return self.worker.cancel(job_id)

    def look(self, job_id: str, *, timeout: float | None = None) -> Job | ClassifyError:
        """
        Return the current state of a job, or a retryable error, after which a later request may succeed.

        :param timeout: the most seconds that the request may take.
        :raises ClassifyError: the request failed with an error that is not retryable.
        """
        return self.worker.look(job_id, timeout=timeout)

    def wait(self, wait: polling.Wait) -> Job:
        """
        Wait for a job in this thread, with the pauses of :mod:`~airflow_provider_classify.model.polling`.

        :returns: the job that has ended, as completed or failed.
        :raises JobTimedOut: the job had not ended at the deadline. This is raised at most 1 s after the deadline.
        :raises ClassifyError: a request failed with an error that is not retryable, such as a rejected api key.
        """
        return self.worker.wait(wait)

    def fetch(self, job_id: str) -> Job:
        """
        Return a job that has ended. If the server fails, retry for up to 120 s.

        Without this, a short failure of the server would fail a task whose job has ended.

        :raises ClassifyError: the server did not return the job within 120 s, or a request failed with an error that is
            not retryable.
        """
        return self.worker.fetch(job_id)

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
        return self.worker.test()
