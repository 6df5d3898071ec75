"""
The classify API from an event loop, driven by aiohttp.

Not by httpx: on the load of a triggerer, thousands of small requests, a shared aiohttp session needs a fraction
of the CPU of a shared httpx client.

All users of one Airflow connection on a loop share one session and one poller.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, TypeVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from airflow_provider_classify.api import errors, exchange, replies, requests
from airflow_provider_classify.api.poller import Poller
from airflow_provider_classify.api.proxy import proxy_for
from airflow_provider_classify.api.reply_body import ReplyBody
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    ClassifyError,
    DocumentError,
    InvalidReply,
    JobNotFound,
    RequestRejected,
)
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission

T = TypeVar("T")

#: Bytes of an upload that are in memory at a time.
_PIECE = 256 * 1024
#: The most open connections to one API; more requests queue for them.
_CONNECTIONS = 100
#: Ids in one batch status request: as many as fit into the 8 KB that proxies commonly take for a URL.
_GROUP = 160
#: Bytes of a reply from which it is read on a thread. Reading fewer takes a loop less time than the thread does.
_LARGE = 64 * 1024
#: The part of a request's time in which the connection has to be made, so that the error can say that it was not.
_CONNECT_SHARE = 0.9


class ApiSession:
    """
    The API over an open HTTP session, for one event loop.

    :param sleep: waits for some seconds between the attempts of a submit.
    """

    def __init__(
        self,
        settings: ApiSettings,
        session: aiohttp.ClientSession,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._session = session
        self._sleep = sleep
        self._takes_groups = True
        self._has_taken_a_group = False
        self._reading_large = asyncio.Lock()
        self.poller = Poller(self, settings.request_rate)

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """As :func:`exchange.submit`."""
        return await self._run(exchange.submit(self._settings, document, categories, idempotency_key))

    async def get(self, job_id: str) -> Job:
        """As :func:`exchange.get`."""
        return await self._run(exchange.get(self._settings, job_id))

    async def cancel(self, job_id: str) -> Job | None:
        """As :func:`exchange.cancel`. The hosted API has no such route."""
        return await self._run(exchange.cancel(self._settings, job_id))

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until a job has ended, together with all others that wait on this loop."""
        return await self.poller.watch(wait)

    @property
    def group_size(self) -> int:
        """How many jobs :meth:`statuses` takes: one where the server has no batch route."""
        return _GROUP if self._takes_groups else 1

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """
        Ask for the statuses of jobs in one request.

        A server without the batch route is asked for it once; nothing is returned then.

        :raises ApiError: the API refused, failed or was not reached.
        """
        if len(job_ids) == 1:
            return {job_ids[0]: await self._run(exchange.status(self._settings, job_ids[0]))}
        try:
            found = await self._run(exchange.statuses(self._settings, job_ids))
        except (InvalidReply, JobNotFound, RequestRejected, AuthenticationRejected) as error:
            if self._has_taken_a_group and error.retryable:
                raise  # a passing fault: asked for one by one from now on, thousands of jobs would be seen late
            # Whatever the reply means, it is not the batch route's; requests for single jobs will tell.
            self._takes_groups = False
            return {}
        self._has_taken_a_group = True
        return found

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
            if isinstance(received, replies.Reply) and len(received.body) > _LARGE:
                async with self._reading_large:  # one at a time: each takes a lot of memory
                    step = await asyncio.to_thread(exchange.advance, steps, received)
            else:
                step = exchange.advance(steps, received)
        return step.value

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
            # Not chained: it carries the request's headers, and its repr shows the key.
            raise errors.connection_lost(error, what=request.what, settings=self._settings) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error.__cause__, DocumentError):  # it was the document that could not be read
                raise error.__cause__ from error.__cause__.__cause__
            raise errors.connection_lost(error, what=request.what, settings=self._settings) from error

    async def _reply(self, request: requests.Request, seconds: float, **content: Any) -> replies.Reply:
        """Send a request and read its reply, in a total of so many seconds."""
        url = self._settings.base_url + request.path
        # A redirect would take the key along to wherever it points.
        sending = self._session.request(request.method, url, headers=request.headers, allow_redirects=False, **content)
        async with asyncio.timeout(seconds), sending as response:
            body = ReplyBody(response.status, response.headers, what=request.what, settings=self._settings)
            while not body.is_full and (chunk := await response.content.readany()):
                body.feed(chunk)
            return replies.Reply(response.status, response.headers, body.finish())


@asynccontextmanager
async def _opened(document: Document) -> AsyncIterator[BinaryIO]:
    """Open a document on a thread: its storage may be slow."""
    opened = document.open()
    stream = await asyncio.to_thread(opened.__enter__)
    try:
        yield stream
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)


class _Upload(aiohttp.Payload):
    """
    An open document as a part of a form.

    aiohttp's own payloads refuse the streams of ``ObjectStoragePath``, and wait without end for a
    server that has stopped reading: none of aiohttp's timeouts covers the sending.

    :param silence: seconds in which the server has to take a piece.
    """

    def __init__(self, stream: BinaryIO, document: Document, *, silence: float) -> None:
        super().__init__(stream, content_type=requests.content_type(document))
        self._name = requests.file_name(document)
        self._stream = stream
        self._silence = silence
        self.length = stream.seek(0, os.SEEK_END)
        self._size = self.length  # what aiohttp asks for
        stream.seek(0)

    def form(self, fields: Mapping[str, str]) -> aiohttp.FormData:
        """Return the form of a submit with this document."""
        form = aiohttp.FormData(fields, quote_fields=False)
        form.add_field(requests.FILE_FIELD, self, filename=self._name)
        return form

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the document, piece by piece, without blocking the loop."""
        while piece := await asyncio.to_thread(self._stream.read, _PIECE):
            async with asyncio.timeout(self._silence):
                await writer.write(piece)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: aiohttp wants this method, and never calls it for an upload."""
        raise TypeError("A document is no text.")


@asynccontextmanager
async def open_session(
    settings: ApiSettings, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> AsyncIterator[ApiSession]:
    """Open a session and a poller on the running loop, and close both at the end."""
    async with _http_session(settings) as http_session:
        session = ApiSession(settings, http_session, sleep=sleep)
        try:
            yield session
        finally:
            await session.poller.close()


def _http_session(settings: ApiSettings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=requests.headers(settings),
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        timeout=_timeouts(settings, upload=False),
        auto_decompress=False,
        # Not by `trust_env`, which asks on a thread again for every request.
        proxy=proxy_for(settings.base_url),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _timeouts(settings: ApiSettings, *, upload: bool) -> aiohttp.ClientTimeout:
    """Return aiohttp's limits beside the total time, which :class:`ApiSession` keeps itself."""
    return aiohttp.ClientTimeout(
        total=None,
        sock_connect=settings.request_timeout * _CONNECT_SHARE,
        # The total time of an upload is long, so a server that says nothing is given up before.
        sock_read=settings.request_timeout if upload else None,
    )
