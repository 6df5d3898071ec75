"""
The classify API from an event loop, driven by aiohttp.

Why not httpx here too: measured on the triggerer's kind of load, thousands of small GETs, a shared
httpx client saturates a core where a shared aiohttp session needs a seventh of it.

One session serves everything on a loop that talks to the same API with the same key: the first to
come opens it, the last to leave closes it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from airflow_provider_classify.backends import wire
from airflow_provider_classify.backends.settings import Settings
from airflow_provider_classify.contract import Category, Job, Submission
from airflow_provider_classify.documents import Document
from airflow_provider_classify.exceptions import ClassifyError, DocumentError

#: Bytes of an upload that are in memory at a time.
_PIECE = 256 * 1024
#: Open connections to one API at the most; more requests queue for them.
_CONNECTIONS = 100


class ApiJobs:
    """The API over an open session."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    async def submit(self, document: Document, categories: Sequence[Category]) -> Submission:
        """As :meth:`ApiBackend.submit`, without blocking the loop."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._submit_once(document, categories)
            except ClassifyError as error:
                pause = wire.pause_before_resubmit(error, attempt)
                if pause is None:
                    raise
                await asyncio.sleep(pause)

    async def get(self, job_id: str) -> Job:
        """Ask for a job once. :raises ApiError: the API refused, failed or was not reached."""
        what = f"job {job_id}"
        status, headers, body = await self._request("GET", wire.job_path(job_id), None, what=what)
        return wire.read_job(status, headers, body, what=what, settings=self._settings)

    async def _submit_once(self, document: Document, categories: Sequence[Category]) -> Submission:
        what = f"the document {document.label}"
        if document.is_url:
            data: object = wire.form(categories, file_url=document.reference)
            reply = await self._request("POST", wire.SUBMIT_PATH, data, what=what)
        else:
            opened = document.open()
            stream = await asyncio.to_thread(opened.__enter__)
            try:
                form = aiohttp.FormData(wire.form(categories), quote_fields=False)
                upload = _Upload(
                    stream, content_type=wire.content_type(document), silence=self._settings.request_timeout
                )
                form.add_field(wire.FILE_FIELD, upload, filename=wire.file_name(document))
                reply = await self._request("POST", wire.SUBMIT_PATH, form, what=what)
            finally:
                await asyncio.to_thread(opened.__exit__, None, None, None)
        status, headers, body = reply
        return wire.read_submission(status, headers, body, what=what, settings=self._settings)

    async def _request(self, method: str, path: str, data: object, *, what: str) -> tuple[int, dict[str, str], bytes]:
        settings = self._settings
        try:
            # A redirect would take the key along to wherever it points.
            async with self._session.request(
                method, settings.base_url + path, data=data, allow_redirects=False
            ) as response:
                return response.status, dict(response.headers), await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise wire.not_reached(error, what=what, settings=settings) from error
        except aiohttp.ClientResponseError as error:
            # No cause: it carries the request's headers, and its repr shows the key.
            raise wire.connection_lost(error, what=what, settings=settings) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error.__cause__, DocumentError):  # it was the document that could not be read
                raise error.__cause__ from error.__cause__.__cause__
            raise wire.connection_lost(error, what=what, settings=settings) from error


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


@dataclass
class _Shared:
    session: aiohttp.ClientSession
    users: int = 0


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_jobs(settings: Settings) -> AsyncIterator[ApiJobs]:
    """Join the loop's session for these settings, opening it if need be."""
    shared_by_settings = _sessions.setdefault(asyncio.get_running_loop(), {})
    shared = shared_by_settings.get(settings)
    if shared is None:
        shared = shared_by_settings[settings] = _Shared(_new_session(settings))
    shared.users += 1
    try:
        yield ApiJobs(settings, shared.session)
    finally:
        shared.users -= 1
        if shared.users == 0:
            del shared_by_settings[settings]
            await shared.session.close()


def _new_session(settings: Settings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=wire.headers(settings),
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.request_timeout, sock_read=settings.request_timeout
        ),
        # The worker's httpx reads the proxy settings of the environment, so the triggerer does too.
        trust_env=True,
    )
