"""
The classify API as a backend, driven by httpx from synchronous code.

The event loop's side is :mod:`airflow_provider_classify.api.aio`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, ClassVar, TypeVar

import httpx

from airflow_provider_classify.api import errors, protocol
from airflow_provider_classify.api.settings import Settings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, JobNotFound
from airflow_provider_classify.model.backend import Jobs
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork

T = TypeVar("T")


class ApiBackend:
    """One connection's API; each call opens and closes its own HTTP connection."""

    resubmit_is_free: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Upload a file as a stream, or hand a URL over; sent again only where that cannot begin a second job.

        :raises DocumentError: nothing to send.
        :raises ApiError: the API refused, failed or was not reached.
        """

        def once() -> Submission:
            return self._submit_once(document, categories, idempotency_key)

        try:
            return _sent_again(once)
        except ClassifyError as error:
            if idempotency_key is None or not protocol.may_have_been_taken(error) or not self._honours_keys():
                raise
        return _sent_again(once, repeatable=True)

    def get(self, job_id: str) -> Job:
        """Ask for a job once. :raises ApiError: the API refused, failed or was not reached."""
        what = f"job {job_id}"
        response = self._request("GET", protocol.job_path(job_id), what=what)
        return protocol.read_job(
            response.status_code, response.headers, response.content, what=what, settings=self._settings
        )

    def cancel(self, job_id: str) -> Job | None:
        """As :meth:`Backend.cancel`; the hosted API has no such route."""
        what = f"the cancelling of job {job_id}"
        response = self._request("DELETE", protocol.job_path(job_id), what=what)
        return protocol.read_cancelled(
            response.status_code, response.headers, response.content, what=what, settings=self._settings
        )

    def run_batch(self, work: BatchWork) -> None:
        """Submit the documents of a batch, and wait for their jobs if asked to. As :meth:`Backend.run_batch`."""
        from airflow_provider_classify.batch.api_run import run_by_api

        run_by_api(self.connect, work)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Jobs]:
        """Open a session on the running loop."""
        # Importing aiohttp takes 0.1 to 0.3 s, which would block the loop of the first trigger.
        async with await asyncio.to_thread(self._open) as jobs:
            yield jobs

    def _open(self) -> AbstractAsyncContextManager[Jobs]:
        from airflow_provider_classify.api.aio import open_jobs

        return open_jobs(self._settings)

    def identity(self) -> str:
        """The API's URL: what is behind it, its owner alone knows."""
        return self._settings.base_url

    def check(self) -> str:
        """Ask for a job that cannot exist: the contract has no route for a health check."""
        with suppress(JobNotFound):
            self.get(protocol.NO_JOB)
        return f"The classify API at {self._settings.base_url} answers and takes the key."

    def _honours_keys(self) -> bool:
        """Ask the server, patiently: it has just failed, and may be restarting."""
        what = "the question whether keys are honoured"

        def ask() -> bool:
            response = self._request("GET", protocol.job_path(protocol.NO_JOB), what=what)
            return protocol.read_honours_keys(
                response.status_code, response.headers, response.content, what=what, settings=self._settings
            )

        try:
            return _sent_again(ask, repeatable=True)
        except ClassifyError:
            return False  # the caller raises the failure of the submit, which says more

    def _submit_once(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None
    ) -> Submission:
        headers = protocol.submit_headers(idempotency_key)
        what = f"the document {document.label}"
        if document.is_url:
            form = protocol.form(categories, file_url=document.file_url)
            response = self._request("POST", protocol.SUBMIT_PATH, what=what, headers=headers, data=form)
        else:
            with document.open() as stream:
                files = {protocol.FILE_FIELD: (protocol.file_name(document), stream, protocol.content_type(document))}
                form = protocol.form(categories)
                response = self._request(
                    "POST", protocol.SUBMIT_PATH, what=what, headers=headers, data=form, files=files
                )
        return protocol.read_submission(
            response.status_code, response.headers, response.content, what=what, settings=self._settings
        )

    def _request(self, method: str, path: str, *, what: str, **content: object) -> httpx.Response:
        settings = self._settings
        try:
            with httpx.Client(
                base_url=settings.base_url, headers=protocol.headers(settings), timeout=settings.request_timeout
            ) as client:
                return client.request(method, path, **content)  # type: ignore[arg-type]
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise errors.not_reached(error, what=what, settings=settings) from error
        except httpx.HTTPError as error:
            raise errors.connection_lost(error, what=what, settings=settings) from error


def _sent_again(send: Callable[[], T], *, repeatable: bool = False) -> T:
    attempt = 0
    while True:
        attempt += 1
        try:
            return send()
        except ClassifyError as error:
            pause = protocol.pause_before_resubmit(error, attempt, repeatable=repeatable)
            if pause is None:
                raise
            time.sleep(pause)
