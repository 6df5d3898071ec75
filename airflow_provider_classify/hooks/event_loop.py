"""The calls of the hook on an event loop. :class:`ClassifyHook` describes their arguments and errors."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.api.shared_session import shared
from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.hooks.answer import answer_of, log_submission
from airflow_provider_classify.hooks.backend import create_backend
from airflow_provider_classify.hooks.settings import SettingsReader
from airflow_provider_classify.job_session import wait_for
from airflow_provider_classify.lifecycle import tracing
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import CategoriesLike, Category, parse_categories
from airflow_provider_classify.model.job import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.job_session import JobSession


@dataclass(frozen=True, slots=True)
class EventLoopCalls:
    """
    Call the backend of a connection without blocking the running event loop.

    :param reader: reads the settings of the connection.
    """

    reader: SettingsReader
    log: Any

    def connect(self) -> AbstractAsyncContextManager[JobSession]:
        """Open a session. All users of the connection with the same ``evidence`` on the running loop share it."""
        return shared((self.reader.conn_id, self.reader.evidence), self._open)

    async def submit(
        self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None
    ) -> Submission:
        """Submit a document and return its job."""
        parsed = parse_categories(categories)
        async with self.connect() as session:
            return await self._submit(session, document, parsed, idempotency_key)

    async def get(self, job_id: str) -> Job:
        """Return the current state of a job."""
        async with self.connect() as session:
            return await session.get(job_id)

    async def classify(self, document: DocumentLike, categories: CategoriesLike, seconds: float) -> dict[str, Any]:
        """Submit a document, wait for its job for at most ``seconds``, and return the result in the form for XCom."""
        since = time.time()
        parsed = parse_categories(categories)
        settings = await self.reader.aread()
        async with self.connect() as session:
            submission = await self._submit(session, document, parsed, str(uuid.uuid4()))
            wait = polling.Wait(submission.job_id, since=since, deadline=since + seconds)
            with tracing.span(tracing.WAIT, backend=settings.backend_name, job_id=wait.job_id):
                job = await wait_for(session, wait)
        return answer_of(job, document, categories, settings, self.log)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[JobSession]:
        settings = await self.reader.aread()
        backend = await asyncio.to_thread(create_backend, settings)  # its imports would block the loop
        async with backend.connect() as session:
            yield session

    async def _submit(
        self,
        session: JobSession,
        document: DocumentLike,
        categories: Sequence[Category],
        idempotency_key: str | None,
    ) -> Submission:
        found = Document.of(document)
        with tracing.span(tracing.SUBMIT, backend=session.backend_name, document=found.label) as span:
            submission = await session.submit(found, categories, idempotency_key)
            log_submission(found, submission, session.backend_name, span, self.log)
        return submission
