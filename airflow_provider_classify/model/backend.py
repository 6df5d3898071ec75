"""What a backend is: something that takes a document and later answers for its job."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol

from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.documents.document import Document


class Jobs(Protocol):
    """An open line to a backend on one event loop; see :meth:`Backend.connect`."""

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Hand a document over. As :meth:`Backend.submit`."""
        ...

    async def get(self, job_id: str) -> Job:
        """Ask for a job. As :meth:`Backend.get`."""
        ...

    async def cancel(self, job_id: str) -> Job | None:
        """Ask that a job is not done any more. As :meth:`Backend.cancel`."""
        ...

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until a job has ended or its deadline has passed. Any number may be watched at a time."""
        ...


class Backend(Protocol):
    """The two routes of the contract, from synchronous code (a worker) and from an event loop."""

    #: Whether to submit a document a second time costs nothing but time.
    resubmit_is_free: ClassVar[bool]

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Hand a document over; the job may be done on return (local) or not (API).

        :param idempotency_key: names this submit, also across processes: where the backend honours it, a
            second submit with the same key gets the first one's job. A new intent needs a new key.
        :raises DocumentError: the document is missing, empty or too large to send.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def get(self, job_id: str) -> Job:
        """
        Ask for a job as it stands now.

        :raises JobNotFound: no such job, or it has expired.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def cancel(self, job_id: str) -> Job | None:
        """
        Ask that a job is not done any more; one that has ended stays as it ended.

        :returns: the job as it is now, ``None`` where there is no such job or the API has no cancel.
        :raises ApiError: the API refused or could not be reached.
        """
        ...

    def connect(self) -> AbstractAsyncContextManager[Jobs]:
        """Open the asynchronous side: connections live until the context ends."""
        ...

    def identity(self) -> str:
        """Tell this classifier from others, for the question whether an earlier answer still holds."""
        ...

    def check(self) -> str:
        """
        Look whether the backend would serve, and say what was found in one sentence.

        :raises ClassifyError: it would not, and why.
        """
        ...
