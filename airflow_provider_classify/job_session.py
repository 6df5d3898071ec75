"""Define the calls of a backend on an event loop, and wait for a job with these calls."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.job import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.documents.document import Document
    from airflow_provider_classify.model.categories import Category


#: A function that counts the jobs of a request.
OnLooked = Callable[[int], None]


def ignore_looks(jobs: int) -> None:
    """Do nothing. This is the default of ``on_looked``."""


class JobSession(Protocol):
    """The calls of a backend on one event loop, over its open connections. They do not block the loop."""

    @property
    def backend_name(self) -> str:
        """``api``, ``local`` or ``model``, for metrics and spans."""
        ...

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Submit a document and return its job.

        :param idempotency_key: identifies this submit in all processes. If the backend honours keys, a second submit
            with the same key returns the job of the first.
        :raises DocumentError: the document is missing, empty or too large to send.
        :raises ApiError: the API refused the request, or the request failed.
        """
        ...

    async def get(self, job_id: str) -> Job:
        """
        Return the current state of a job.

        :raises JobNotFound: the job does not exist, or it has expired.
        :raises ApiError: the API refused the request, or the request failed.
        """
        ...

    async def cancel(self, job_id: str) -> Job | None:
        """
        Cancel a job. The local engine and this package's service leave a job that has ended as it is.

        :returns: the state of the job; ``None`` if there is no such job or the API has no cancel.
        :raises ApiError: the API refused the request, or the request failed.
        """
        ...

    async def watch(self, wait: polling.Wait, log: Any = None) -> polling.Ended | polling.GaveUp:
        """
        Wait until a job has ended or its deadline has passed. Any number of jobs can be watched concurrently.

        :param log: the logger for the progress of the wait, at most one line in 30 s; ``None`` for no log lines.
        """
        ...


async def wait_for(
    session: JobSession, wait: polling.Wait, fetching: AbstractAsyncContextManager[Any] | None = None
) -> Job:
    """
    Wait until a job has ended, and return it. While the server fails, ask again with the pauses of the wait.

    :param fetching: limits the concurrent requests for ended jobs, such as an :class:`asyncio.Semaphore`.
    :raises JobTimedOut: the job had not ended at the deadline.
    :raises ClassifyError: a request failed with an error that is not retryable.
    """
    end = await session.watch(wait)
    if isinstance(end, polling.GaveUp):
        raise end.error
    fetch = replace(wait, since=time.time())
    while True:
        try:
            async with fetching or nullcontext():
                return await session.get(wait.job_id)
        except ClassifyError as error:
            step = polling.after(fetch, error, now=time.time(), chance=random.random())
        if isinstance(step, polling.GaveUp):
            raise step.error
        if isinstance(step, polling.LookAgain):
            await asyncio.sleep(step.seconds)
