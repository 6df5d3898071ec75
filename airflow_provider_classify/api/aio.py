"""
The driver of the classify API for an event loop, with aiohttp.

A triggerer sends thousands of small requests, for which aiohttp needs much less CPU time than httpx.

All users of an Airflow connection on a loop share one session and one poller.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import Any, BinaryIO, ClassVar, TypeVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from airflow_provider_classify.api import errors, exchange, replies, requests
from airflow_provider_classify.api.poller import Poller
from airflow_provider_classify.api.proxy import proxy_for
from airflow_provider_classify.api.reply_body import ReplyBody
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.time_limits import TimeLimits
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    ClassifyError,
    DocumentError,
    InvalidReply,
    JobNotFound,
    RequestRejected,
)
from airflow_provider_classify.job_session import OnLooked, ignore_looks
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission

T = TypeVar("T")

#: The size of the chunks in which a document is uploaded, in bytes.
_CHUNK = 256 * 1024
#: The most open connections to an API. Further requests wait for a free one.
_MAX_CONNECTIONS = 100
#: The most ids in one batch status request. They fit into a URL of 8 KB, the usual limit of proxies.
_GROUP_SIZE = 160
#: The size of a reply, in bytes, above which a thread parses it. For smaller replies the thread would cost more.
_LARGE_REPLY = 64 * 1024
#: A body of at most this many bytes is read without :class:`ReplyBody`. The limits of that class are higher.
_SMALL = 4 * 1024
#: The share of a request's time, from 0 to 1, for opening the connection. It is below 1, so that a slow connect raises
#: ``ApiNotReached``. The end of the total time raises ``ApiConnectionLost``.
_CONNECT_SHARE = 0.9


class ApiSession:
    """
    The calls of the API on one event loop, over an open HTTP session.

    :param sleep: waits between the attempts of a submit. Its argument is the number of seconds.
    :param on_looked: see :class:`~airflow_provider_classify.api.poller.Poller`.
    """

    backend_name: ClassVar[str] = "api"

    def __init__(
        self,
        settings: ApiSettings,
        session: aiohttp.ClientSession,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_looked: OnLooked = ignore_looks,
    ) -> None:
        self._settings = settings
        self._session = session
        self._sleep = sleep
        self._has_batch_route = True
        self._has_answered_group = False
        self._reading_large = asyncio.Lock()
        self._limits = TimeLimits()
        self.poller = Poller(self, settings.request_rate, on_looked)

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document; see :func:`exchange.submit`."""
        return await self._run(exchange.submit(self._settings, document, categories, idempotency_key))

    async def get(self, job_id: str) -> Job:
        """Return a job; see :func:`exchange.get`."""
        return await self._run(exchange.get(self._settings, job_id))

    async def cancel(self, job_id: str) -> Job | None:
        """Cancel a job; see :func:`exchange.cancel`. The hosted API has no cancel."""
        return await self._run(exchange.cancel(self._settings, job_id))

    async def watch(self, wait: polling.Wait, log: Any = None) -> polling.Ended | polling.GaveUp:
        """Wait until a job has ended or its deadline has passed. One poller watches all jobs of the loop."""
        return await self.poller.watch(wait, log)

    @property
    def group_size(self) -> int:
        """The most jobs of one :meth:`statuses` call; 1 if the server has no batch status route."""
        return _GROUP_SIZE if self._has_batch_route else 1

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """
        Return the statuses of jobs, with one request.

        If the server has no batch status route, return an empty mapping and set :attr:`group_size` to 1.

        :param job_ids: valid ids.
        :raises ApiError: the API refused the request, or the request failed.
        """
        if len(job_ids) == 1:
            return {job_ids[0]: await self._status(job_ids[0])}
        try:
            found = await self._run(exchange.statuses(self._settings, job_ids))
        except (InvalidReply, JobNotFound, RequestRejected, AuthenticationRejected) as error:
            if self._has_answered_group and error.retryable:
                raise  # the server has the route, and this request failed
            # The server has no batch status route, or it refuses all requests. Requests for single jobs show which.
            self._has_batch_route = False
            return {}
        self._has_answered_group = True
        return found

    async def _status(self, job_id: str) -> JobStatus:
        """Return the status of one job. An exchange would be too slow for hundreds of requests per second."""
        request = requests.job_request(self._settings, job_id)
        reply = await self._send(request)
        read = partial(replies.read_status, reply, job_id=job_id, what=request.what, settings=self._settings)
        return read() if len(reply.body) <= _LARGE_REPLY else await self._read_large(read)

    @cached_property
    def _base_url(self) -> str:
        """The API's URL, escaped once. Escaping a URL takes far longer than joining its parts."""
        try:
            return str(URL(self._settings.base_url)).rstrip("/")
        except ValueError as error:
            raise aiohttp.InvalidURL(self._settings.base_url) from error

    async def _run(self, steps: exchange.Exchange[T]) -> T:
        step = exchange.advance(steps, None)
        while not isinstance(step, exchange.Done):
            received: replies.Reply | ClassifyError | None = None
            if isinstance(step, exchange.Sleep):
                await self._sleep(step.seconds)
            else:
                try:
                    received = await self._send(step)
                except ClassifyError as error:
                    received = error
            advance = partial(exchange.advance, steps, received)
            is_large = isinstance(received, replies.Reply) and len(received.body) > _LARGE_REPLY
            step = await self._read_large(advance) if is_large else advance()
        return step.value

    async def _read_large(self, read: Callable[[], T]) -> T:
        """Parse a large reply on a thread, one at a time, because each takes much memory."""
        async with self._reading_large:
            return await asyncio.to_thread(read)

    async def _send(self, request: requests.Request) -> replies.Reply:
        try:
            if request.document is None:
                return await self._reply(request, request.timeout, data=request.form)
            async with _opened(request.document) as stream:
                upload = _Upload(stream, request.document, silence=self._settings.request_timeout)
                seconds = request.timeout + requests.upload_seconds(upload.length)
                form = upload.form(request.form or {})
                return await self._reply(request, seconds, data=form, timeout=_timeouts(self._settings, upload=True))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise errors.not_reached(error, what=request.what, settings=self._settings) from error
        except aiohttp.ClientResponseError as error:
            # Not chained: the error has the headers of the request, and its repr shows the api key.
            raise errors.connection_lost(error, what=request.what, settings=self._settings) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error.__cause__, DocumentError):  # the document could not be read during the upload
                raise error.__cause__ from error.__cause__.__cause__
            raise errors.connection_lost(error, what=request.what, settings=self._settings) from error

    async def _reply(self, request: requests.Request, seconds: float, **content: Any) -> replies.Reply:
        """Send a request and read its reply, within ``seconds`` in total."""
        url = URL(self._base_url + request.path, encoded=True)  # a job id needs no escapes
        # Redirects are not followed, because they would send the api key to another server.
        sending = self._session.request(request.method, url, headers=request.headers, allow_redirects=False, **content)
        with self._limits.limit(seconds):
            async with sending as response:
                if _is_small(response):
                    return replies.Reply(response.status, response.headers, await response.content.read())
                body = ReplyBody(response.status, response.headers, what=request.what, settings=self._settings)
                while not body.is_full and (chunk := await response.content.readany()):
                    body.feed(chunk)
                return replies.Reply(response.status, response.headers, body.finish())


def _is_small(response: aiohttp.ClientResponse) -> bool:
    """Return whether a body is neither compressed nor longer than :data:`_SMALL`."""
    length, headers = response.content_length, response.headers
    if length is None or length > _SMALL:
        return False
    return "Content-Encoding" not in headers and "Transfer-Encoding" not in headers


@asynccontextmanager
async def _opened(document: Document) -> AsyncIterator[BinaryIO]:
    """Open a document on a thread, because its storage may be slow."""
    opened = document.open()
    stream = await asyncio.to_thread(opened.__enter__)
    try:
        yield stream
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)


class _Upload(aiohttp.Payload):
    """
    An open document as a field of a form.

    aiohttp's own payload classes refuse the streams of ``ObjectStoragePath``. They also wait for ever if a server stops
    reading, because aiohttp has no timeout for sending.

    :param silence: the most seconds that the server may take to receive a chunk.
    """

    def __init__(self, stream: BinaryIO, document: Document, *, silence: float) -> None:
        super().__init__(stream, content_type=requests.content_type(document))
        self._name = requests.file_name(document)
        self._stream = stream
        self._silence = silence
        self.length = stream.seek(0, os.SEEK_END)
        self._size = self.length  # aiohttp reads this attribute
        stream.seek(0)

    def form(self, fields: Mapping[str, str]) -> aiohttp.FormData:
        """Return the form of a submit, with the document as its file."""
        form = aiohttp.FormData(fields, quote_fields=False)
        form.add_field(requests.FILE_FIELD, self, filename=self._name)
        return form

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the document in chunks, without blocking the loop."""
        while chunk := await asyncio.to_thread(self._stream.read, _CHUNK):
            async with asyncio.timeout(self._silence):
                await writer.write(chunk)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Raise an error. aiohttp requires this method and does not call it for an upload."""
        raise TypeError("A document cannot be decoded as text.")


@asynccontextmanager
async def open_session(
    settings: ApiSettings,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_looked: OnLooked = ignore_looks,
) -> AsyncIterator[ApiSession]:
    """Open a session and its poller on the running loop. Close both at the end."""
    async with _http_session(settings) as http_session:
        session = ApiSession(settings, http_session, sleep=sleep, on_looked=on_looked)
        try:
            yield session
        finally:
            await session.poller.close()


def _http_session(settings: ApiSettings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=requests.headers(settings),
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS),
        timeout=_timeouts(settings, upload=False),
        auto_decompress=False,
        # `trust_env=True` would look up the proxy on a thread for every request.
        proxy=proxy_for(settings.base_url),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _timeouts(settings: ApiSettings, *, upload: bool) -> aiohttp.ClientTimeout:
    """Return aiohttp's timeouts, without the total time, which :class:`ApiSession` limits itself."""
    return aiohttp.ClientTimeout(
        total=None,
        sock_connect=settings.request_timeout * _CONNECT_SHARE,
        # The total time of an upload can be long, so a silent server needs a shorter timeout.
        sock_read=settings.request_timeout if upload else None,
    )
