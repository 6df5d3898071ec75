"""The backend: what takes a document and later answers for its job."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork


class JobSession(Protocol):
    """A backend on one event loop, with its connections open; see :meth:`Backend.connect`."""

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document. As :meth:`Backend.submit`."""
        ...

    async def get(self, job_id: str) -> Job:
        """Ask for a job. As :meth:`Backend.get`."""
        ...

    async def cancel(self, job_id: str) -> Job | None:
        """Cancel a job. As :meth:`Backend.cancel`."""
        ...

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until a job has ended or its deadline has passed. Any number may be watched at a time."""
        ...


class Backend(Protocol):
    """
    The two routes of the contract, from synchronous code (a worker) and from an event loop.

    It is a context manager that gives back what it holds open.
    """

    #: Whether to submit a document a second time costs nothing but time.
    resubmit_is_free: ClassVar[bool]

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Submit a document. On return the job has ended (local) or has just begun (API).

        :param idempotency_key: names this submit, also across processes: where the backend honours it, a
            second submit with the same key gets the first one's job. A new intent needs a new key.
        :raises DocumentError: the document is missing, empty or too large to send.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def get(self, job_id: str, *, timeout: float | None = None) -> Job:
        """
        Ask for a job as it is now.

        :param timeout: seconds that the answer may take at the most.
        :raises JobNotFound: no such job, or it has expired.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def cancel(self, job_id: str) -> Job | None:
        """
        Cancel a job. One that has ended stays as it is.

        :returns: the job as it is now, ``None`` where there is no such job or the API has no cancel.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def connect(self) -> AbstractAsyncContextManager[JobSession]:
        """Open the asynchronous side: connections live until the context ends."""
        ...

    def run_batch(self, work: BatchWork) -> None:
        """
        Do the documents of a batch, and put what happens to them on its record.

        :raises ClassifyError: the backend or the record cannot work at all; what was done until then is on record.
        """
        ...

    def identity(self) -> str:
        """Return a text that differs between classifiers, to decide whether an earlier result is still good."""
        ...

    def check(self) -> str:
        """
        Return one sentence about the backend, found by trying it.

        :raises ClassifyError: the backend cannot be used, and why.
        """
        ...
