"""
The driver of the classify API for synchronous code, with httpx.

The driver for an event loop is :mod:`airflow_provider_classify.api.aio`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import httpx

from airflow_provider_classify.api import errors, exchange, replies, requests
from airflow_provider_classify.api.proxy import proxy_for
from airflow_provider_classify.api.reply_body import ReplyBody
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.transport import CONNECT_ERRORS, NETWORK_ERRORS, TimedTransport, total_time
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.job_session import JobSession, OnLooked, ignore_looks
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork

T = TypeVar("T")


class ApiBackend:
    """
    The API of one connection. Thread-safe.

    It is a context manager that closes its HTTP connections at the end. A later call opens new ones.

    :param sleep: waits between the attempts of a submit. Its argument is the number of seconds.
    :param on_looked: called after each status request of a session of :meth:`connect`, with the number of its jobs.
    """

    backend_name: ClassVar[str] = "api"
    resubmit_is_free: ClassVar[bool] = False

    def __init__(
        self,
        settings: ApiSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        on_looked: OnLooked = ignore_looks,
    ) -> None:
        self._settings = settings
        self._on_looked = on_looked
        self._sleep = sleep
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document; see :func:`exchange.submit`."""
        return self._run(exchange.submit(self._settings, document, categories, idempotency_key))

    def get(self, job_id: str, *, timeout: float | None = None) -> Job:
        """Return a job; see :func:`exchange.get`."""
        return self._run(exchange.get(self._settings, job_id, timeout))

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job; see :func:`exchange.cancel`. The hosted API has no cancel."""
        return self._run(exchange.cancel(self._settings, job_id))

    def run_batch(self, work: BatchWork) -> None:
        """Submit the documents of a batch, and wait for their jobs if ``work.wait`` is set."""
        from airflow_provider_classify.batch.api_run import run_by_api

        run_by_api(self.connect, work)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[JobSession]:
        """Open a session on the running loop."""
        # The import of aiohttp takes up to 0.3 s, which would block the loop.
        async with await asyncio.to_thread(self._open_session) as session:
            yield session

    def _open_session(self) -> AbstractAsyncContextManager[JobSession]:
        from airflow_provider_classify.api.aio import open_session

        return open_session(self._settings, on_looked=self._on_looked)

    def identity(self, categories: Sequence[Category] = ()) -> str:
        """Return the API's URL. The API does not name the version of its classifier."""
        return self._settings.base_url

    def check(self) -> str:
        """
        Request a job that does not exist, and return a message that the API answers.

        The contract has no route for a health check.

        :raises ApiError: the API does not answer or rejects the api key.
        """
        self._run(exchange.check(self._settings))
        key = "accepts the api key" if self._settings.api_key else "requires no api key"
        return f"The classify API at {self._settings.base_url} answers requests for jobs and {key}."

    def _run(self, steps: exchange.Exchange[T]) -> T:
        step = exchange.advance(steps, None)
        while not isinstance(step, exchange.Done):
            received: replies.Reply | ClassifyError | None = None
            if isinstance(step, exchange.Sleep):
                self._sleep(step.seconds)
            else:
                try:
                    received = self._send(step)
                except ClassifyError as error:
                    received = error
            step = exchange.advance(steps, received)
        return step.value

    def _send(self, request: requests.Request) -> replies.Reply:
        content: dict[str, Any] = {"data": request.form, "headers": request.headers}
        seconds = request.timeout
        with ExitStack() as stack:
            if request.document is not None:
                stream = stack.enter_context(request.document.open())
                seconds += requests.upload_seconds(stream.seek(0, os.SEEK_END))
                stream.seek(0)
                name, media_type = requests.file_name(request.document), requests.content_type(request.document)
                content["files"] = {requests.FILE_FIELD: (name, stream, media_type)}
            stack.enter_context(total_time(seconds))
            url = self._settings.base_url + request.path
            try:
                response = stack.enter_context(self._open_client().stream(request.method, url, **content))
                body = ReplyBody(response.status_code, response.headers, what=request.what, settings=self._settings)
                for chunk in response.iter_raw():
                    body.feed(chunk)
                    if body.is_full:
                        break
                return replies.Reply(response.status_code, response.headers, body.finish())
            except (*CONNECT_ERRORS, httpx.InvalidURL) as error:
                raise errors.not_reached(error, what=request.what, settings=self._settings) from error
            except (*NETWORK_ERRORS, httpx.HTTPError) as error:
                raise errors.connection_lost(error, what=request.what, settings=self._settings) from error

    def _open_client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                url = self._settings.base_url
                self._client = httpx.Client(
                    headers=requests.headers(self._settings),
                    timeout=self._settings.request_timeout,
                    transport=TimedTransport(url, proxy_for(url)),
                )
            return self._client
