"""
The classify API as a backend, driven by httpx from synchronous code.

The event loop's side is :mod:`airflow_provider_classify.backends.api_async`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeVar

import httpx

from airflow_provider_classify.backends import wire
from airflow_provider_classify.backends.base import Jobs
from airflow_provider_classify.backends.settings import Settings
from airflow_provider_classify.contract import Category, Job, Submission
from airflow_provider_classify.documents import Document
from airflow_provider_classify.exceptions import ClassifyError, JobNotFound

T = TypeVar("T")

#: Asks for a job that no server can have: 404 proves that the host answers and the key is taken.
_NO_JOB = "00000000-0000-0000-0000-000000000000"


class ApiBackend:
    """One connection's API; each call opens and closes its own HTTP connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def submit(self, document: Document, categories: Sequence[Category]) -> Submission:
        """
        Upload a file as a stream, or hand a URL over; sent again only where it surely was not taken.

        :raises DocumentError: nothing to send.
        :raises ApiError: the API refused, failed or was not reached.
        """
        return _sent_again(lambda: self._submit_once(document, categories))

    def get(self, job_id: str) -> Job:
        """Ask for a job once. :raises ApiError: the API refused, failed or was not reached."""
        what = f"job {job_id}"
        response = self._request("GET", wire.job_path(job_id), what=what)
        return wire.read_job(
            response.status_code, response.headers, response.content, what=what, settings=self._settings
        )

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Jobs]:
        """Open a session on the running loop."""
        # Importing aiohttp takes 0.1 to 0.3 s, which would block the loop of the first trigger.
        async with await asyncio.to_thread(self._open) as jobs:
            yield jobs

    def _open(self) -> AbstractAsyncContextManager[Jobs]:
        from airflow_provider_classify.backends.api_async import open_jobs

        return open_jobs(self._settings)

    def check(self) -> str:
        """Ask for a job that cannot exist: the contract has no route for a health check."""
        with suppress(JobNotFound):
            self.get(_NO_JOB)
        return f"The classify API at {self._settings.base_url} answers and takes the key."

    def _submit_once(self, document: Document, categories: Sequence[Category]) -> Submission:
        what = f"the document {document.label}"
        if document.is_url:
            form = wire.form(categories, file_url=document.reference)
            response = self._request("POST", wire.SUBMIT_PATH, what=what, data=form)
        else:
            with document.open() as stream:
                files = {wire.FILE_FIELD: (wire.file_name(document), stream, wire.content_type(document))}
                response = self._request("POST", wire.SUBMIT_PATH, what=what, data=wire.form(categories), files=files)
        return wire.read_submission(
            response.status_code, response.headers, response.content, what=what, settings=self._settings
        )

    def _request(self, method: str, path: str, *, what: str, **content: object) -> httpx.Response:
        settings = self._settings
        try:
            with httpx.Client(
                base_url=settings.base_url, headers=wire.headers(settings), timeout=settings.request_timeout
            ) as client:
                return client.request(method, path, **content)  # type: ignore[arg-type]
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise wire.not_reached(error, what=what, settings=settings) from error
        except httpx.HTTPError as error:
            raise wire.connection_lost(error, what=what, settings=settings) from error


def _sent_again(submit: Callable[[], T]) -> T:
    attempt = 0
    while True:
        attempt += 1
        try:
            return submit()
        except ClassifyError as error:
            pause = wire.pause_before_resubmit(error, attempt)
            if pause is None:
                raise
            time.sleep(pause)
