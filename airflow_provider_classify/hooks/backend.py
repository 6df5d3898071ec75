"""The backends of the hook (a classify API, the local engine, a language model), and the methods that they have."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.hooks.connection import Settings
from airflow_provider_classify.job_session import JobSession
from airflow_provider_classify.lifecycle import metrics
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork


class Backend(Protocol):
    """
    A backend for synchronous code. :meth:`connect` opens a session for asynchronous code.

    It is a context manager that closes its connections.
    """

    #: ``local``, ``api`` or ``model``, for metrics and spans.
    backend_name: ClassVar[str]
    #: Whether a second submit of the same document costs nothing but time.
    resubmit_is_free: ClassVar[bool]

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Submit a document and return its job. The local engine and a language model return when the job has ended.

        Parameters and errors are those of :meth:`JobSession.submit`.
        """
        ...

    def get(self, job_id: str, *, timeout: float | None = None) -> Job:
        """
        Return the current state of a job.

        :param timeout: the most seconds that the request may take.
        :raises JobNotFound: the job does not exist, or it has expired.
        :raises ApiError: the API refused the request, or the request failed.
        """
        ...

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job. Results and errors are those of :meth:`JobSession.cancel`."""
        ...

    def connect(self) -> AbstractAsyncContextManager[JobSession]:
        """Open a session on the running event loop. Its connections close when the context ends."""
        ...

    def run_batch(self, work: BatchWork) -> None:
        """
        Classify the documents of a batch and record the outcome of each.

        :raises ClassifyError: the backend or the record failed as a whole. The record keeps the earlier outcomes.
        """
        ...

    def identity(self, categories: Sequence[Category] = ()) -> str:
        """
        Return a string that changes when results may change. It decides whether an earlier result can be reused.

        :param categories: the categories of the submit. The local engine includes the examples in their folders.
        """
        ...

    def check(self) -> str:
        """
        Try the backend and return one sentence about it.

        :raises ClassifyError: the backend cannot be used.
        """
        ...


def create_backend(settings: Settings, *, thumbnails: bool = False) -> Backend:
    """
    Return the backend of a connection.

    :param thumbnails: whether the local engine also draws the first page of each document.
    """
    on_looked = metrics.look_counter(settings.backend_name)
    # The libraries of a backend that is not used need not be installed.
    if isinstance(settings, ApiSettings):
        from airflow_provider_classify.api.sync import ApiBackend

        return ApiBackend(settings, on_looked=on_looked)
    from airflow_provider_classify.local.settings import LocalSettings

    if isinstance(settings, LocalSettings):
        from airflow_provider_classify.local.backend import LocalBackend

        return LocalBackend(settings, on_looked=on_looked, thumbnails=thumbnails)
    from airflow_provider_classify.llm.backend import LlmBackend

    return LlmBackend(settings, on_looked=on_looked)
