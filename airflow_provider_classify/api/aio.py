"""
The classify API from an event loop, driven by aiohttp.

Why not httpx here too: measured on the triggerer's kind of load, thousands of small GETs, a shared
httpx client saturates a core where a shared aiohttp session needs a seventh of it.

One session and one poller serve everything on a loop that uses the same Airflow connection.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from airflow_provider_classify.api import errors, protocol
from airflow_provider_classify.api.poller import Poller
from airflow_provider_classify.api.settings import Settings
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
from airflow_provider_classify.model.contract import Job, JobStatus, Submission

T = TypeVar("T")

#: Bytes of an upload that are in memory at a time.
_PIECE = 256 * 1024
#: Open connections to one API at the most; more requests queue for them.
_CONNECTIONS = 100
#: Ids in one batch status request: as many as fit into the 8 KB that proxies commonly take for a URL.
_GROUP = 160


class ApiJobs:
    """The API over an open session."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._takes_groups = True
        self._has_taken_a_group = False
        self.poller = Poller(self, settings.request_rate)

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """As :meth:`ApiBackend.submit`, without blocking the loop."""

        def once() -> Awaitable[Submission]:
            return self._submit_once(document, categories, idempotency_key)

        try:
            return await _sent_again(once)
        except ClassifyError as error:
            if idempotency_key is None or not protocol.may_have_been_taken(error) or not await self._honours_keys():
                raise
        return await _sent_again(once, repeatable=True)

    async def get(self, job_id: str) -> Job:
        """Ask for a job once. :raises ApiError: the API refused, failed or was not reached."""
        what = f"job {job_id}"
        status, headers, body = await self._request("GET", protocol.job_path(job_id), None, what=what)
        return protocol.read_job(status, headers, body, what=what, settings=self._settings)

    async def cancel(self, job_id: str) -> Job | None:
        """As :meth:`ApiBackend.cancel`."""
        what = f"the cancelling of job {job_id}"
        status, headers, body = await self._request("DELETE", protocol.job_path(job_id), None, what=what)
        return protocol.read_cancelled(status, headers, body, what=what, settings=self._settings)

    async def watch(self, wait: waiting.Wait) -> waiting.Ended | waiting.GaveUp:
        """Wait until a job has ended, together with all others that wait on this loop."""
        return await self.poller.watch(wait)

    @property
    def group_size(self) -> int:
        """How many jobs :meth:`statuses` takes: one where the server has no batch route."""
        return _GROUP if self._takes_groups else 1

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """
        Look at jobs in one request. A server without the batch route is asked for it once.

        :raises ApiError: the API refused, failed or was not reached.
        """
        if len(job_ids) == 1:
            return {job_ids[0]: await self._status(job_ids[0])}
        what = f"the status of {len(job_ids)} jobs"
        status, headers, body = await self._request("GET", protocol.statuses_path(job_ids), None, what=what)
        try:
            found = protocol.read_statuses(status, headers, body, what=what, settings=self._settings)
        except (InvalidReply, JobNotFound, RequestRejected, AuthenticationRejected) as error:
            if self._has_taken_a_group and error.retryable:
                raise  # a passing fault: looked at one by one from now on, thousands of jobs would be seen late
            # Whatever the answer means, it is not the batch route's; single looks will tell.
            self._takes_groups = False
            return {}
        self._has_taken_a_group = True
        missing = {job_id: errors.job_not_found(f"job {job_id}") for job_id in found.not_found}
        return {**found.by_id, **missing}

    async def _status(self, job_id: str) -> JobStatus:
        what = f"job {job_id}"
        status, headers, body = await self._request("GET", protocol.job_path(job_id), None, what=what)
        return protocol.read_status(status, headers, body, what=what, settings=self._settings)

    async def _honours_keys(self) -> bool:
        """As :meth:`ApiBackend._honours_keys`."""
        what = "the question whether keys are honoured"

        async def ask() -> bool:
            status, headers, body = await self._request("GET", protocol.job_path(protocol.NO_JOB), None, what=what)
            return protocol.read_honours_keys(status, headers, body, what=what, settings=self._settings)

        try:
            return await _sent_again(ask, repeatable=True)
        except ClassifyError:
            return False

    async def _submit_once(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None
    ) -> Submission:
        headers = protocol.submit_headers(idempotency_key)
        what = f"the document {document.label}"
        if document.is_url:
            data: object = protocol.form(categories, file_url=document.file_url)
            reply = await self._request("POST", protocol.SUBMIT_PATH, data, headers, what=what)
        else:
            opened = document.open()
            stream = await asyncio.to_thread(opened.__enter__)
            try:
                form = aiohttp.FormData(protocol.form(categories), quote_fields=False)
                upload = _Upload(
                    stream, content_type=protocol.content_type(document), silence=self._settings.request_timeout
                )
                form.add_field(protocol.FILE_FIELD, upload, filename=protocol.file_name(document))
                reply = await self._request("POST", protocol.SUBMIT_PATH, form, headers, what=what)
            finally:
                await asyncio.to_thread(opened.__exit__, None, None, None)
        status, reply_headers, body = reply
        return protocol.read_submission(status, reply_headers, body, what=what, settings=self._settings)

    async def _request(
        self, method: str, path: str, data: object, headers: Mapping[str, str] | None = None, *, what: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        settings = self._settings
        try:
            # A redirect would take the key along to wherever it points.
            async with self._session.request(
                method, settings.base_url + path, data=data, headers=headers, allow_redirects=False
            ) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise errors.not_reached(error, what=what, settings=settings) from error
        except aiohttp.ClientResponseError as error:
            # No cause: it carries the request's headers, and its repr shows the key.
            raise errors.connection_lost(error, what=what, settings=settings) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error.__cause__, DocumentError):  # it was the document that could not be read
                raise error.__cause__ from error.__cause__.__cause__
            raise errors.connection_lost(error, what=what, settings=settings) from error


async def _sent_again(send: Callable[[], Awaitable[T]], *, repeatable: bool = False) -> T:
    attempt = 0
    while True:
        attempt += 1
        try:
            return await send()
        except ClassifyError as error:
            pause = protocol.pause_before_resubmit(error, attempt, repeatable=repeatable)
            if pause is None:
                raise
            await asyncio.sleep(pause)


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this URL."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class _Upload(aiohttp.Payload):
    """
    An open document as a part of a form.

    aiohttp's own payloads refuse the streams of ``ObjectStoragePath``, and wait without end for a
    server that has stopped reading: none of aiohttp's timeouts covers the sending.

    :param silence: seconds that the server may take no byte.
    """

    def __init__(self, stream: BinaryIO, *, content_type: str, silence: float) -> None:
        super().__init__(stream, content_type=content_type)
        self._stream = stream
        self._silence = silence
        self._size = stream.seek(0, os.SEEK_END)
        stream.seek(0)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the document, piece by piece, without blocking the loop."""
        while piece := await asyncio.to_thread(self._stream.read, _PIECE):
            async with asyncio.timeout(self._silence):
                await writer.write(piece)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse what aiohttp wants to be defined and never calls for an upload."""
        raise TypeError("A document is no text.")


@asynccontextmanager
async def open_jobs(settings: Settings) -> AsyncIterator[ApiJobs]:
    """Open a session and a poller on the running loop, and close both at the end."""
    async with _new_session(settings) as session:
        jobs = ApiJobs(settings, session)
        try:
            yield jobs
        finally:
            await jobs.poller.close()


def _new_session(settings: Settings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=protocol.headers(settings),
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.request_timeout, sock_read=settings.request_timeout
        ),
        # As the worker's httpx does. Not by `trust_env`, which asks on a thread again for every request.
        proxy=_proxy(settings.base_url),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
