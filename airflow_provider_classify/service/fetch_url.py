"""
Fetch the document of a ``file_url``.

The fetcher checks every address when it connects (see :mod:`~airflow_provider_classify.service.safe_connections`). It
follows redirects one by one and checks each of them too. One time limit covers the whole exchange, from the look-up of
the host name to the last byte.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin
from weakref import WeakValueDictionary

import aiohttp
from yarl import URL

from airflow_provider_classify.exceptions import (
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTookTooLong,
    RequestRejected,
)
from airflow_provider_classify.service.errors import printable
from airflow_provider_classify.service.safe_connections import guarded_session
from airflow_provider_classify.service.transfer_rate import Pace, PacedBody

MAX_REDIRECTS = 5
_CHUNK_BYTES = 256 * 1024
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """
    The limits of one fetch, and how many fetches run at the same time.

    :param seconds: seconds for the whole exchange with its redirects, without the wait for a free place.
    :param header_seconds: seconds from a request to the end of the reply's header.
    :param pace: the slowest rate of the document itself.
    :param concurrent: the most fetches at the same time.
    :param per_host: the most fetches from one host at the same time.
    """

    seconds: float = 300.0
    header_seconds: float = 30.0
    pace: Pace = field(default_factory=Pace)
    concurrent: int = 32
    per_host: int = 4


def is_fetchable(url: str) -> bool:
    """Return whether this is an absolute http or https URL with a host."""
    if not url.isprintable() or " " in url:
        return False
    try:
        parsed = URL(url)
        return parsed.scheme in ("http", "https") and bool(parsed.host) and parsed.port is not None
    except (ValueError, IndexError):  # yarl raises an IndexError for some misplaced brackets.
        return False


class UrlFetcher:
    """
    Fetches documents. Use it in one event loop.

    It ignores the proxies and credentials that the service's environment names.

    :param allow_private: also fetch from loopback, private and other addresses that are not public.
    """

    def __init__(self, *, allow_private: bool = False, limits: FetchLimits | None = None) -> None:
        self._allow_private = allow_private
        self._limits = limits or FetchLimits()
        self._tls = ssl.create_default_context()
        self._all = asyncio.Semaphore(self._limits.concurrent)
        self._by_host: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def fetch(
        self, url: str, write: Callable[[bytes], Awaitable[None]], begin: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """
        Pass the document at ``url`` to ``write``, piece by piece.

        :param begin: a function that is called once, when the fetch has a free place, before its first request.
        :raises RequestRejected: an address or a redirect is refused.
        :raises DocumentNotFound: the server replies 404 or 410.
        :raises DocumentNotReadable: the server was not reached, replied another status, or broke the transfer off.
        :raises DocumentTookTooLong: the server was slower than the limits allow.
        """
        loop = asyncio.get_running_loop()
        seconds = self._limits.seconds
        for _ in range(MAX_REDIRECTS + 1):
            async with self._host(url), self._all:
                if begin:
                    await begin()
                    begin = None
                started = loop.time()
                try:
                    async with asyncio.timeout(seconds):
                        target = await self._exchange(url, write)
                except TimeoutError as error:
                    raise DocumentTookTooLong(
                        f"{_shown(url)} did not answer or send its document fast enough; upload the file."
                    ) from error
                seconds -= loop.time() - started
            if target is None:
                return
            if not is_fetchable(target):
                raise RequestRejected(f"{_shown(url)} redirects to something other than http; use its final URL.")
            url = target
        raise RequestRejected(f"More than {MAX_REDIRECTS} redirects lead to {_shown(url)}; use the final URL.")

    def _host(self, url: str) -> asyncio.Semaphore:
        return self._by_host.setdefault(str(URL(url).host), asyncio.Semaphore(self._limits.per_host))

    async def _exchange(self, url: str, write: Callable[[bytes], Awaitable[None]]) -> str | None:
        """Make one request. Return the URL that it redirects to, or ``None`` if the document has been written."""
        shown = _shown(url)

        def refusal(address: str) -> RequestRejected:
            return RequestRejected(
                f"{shown} leads to the address {address}, and this service does not fetch from it; "
                "upload the file instead."
            )

        try:
            async with guarded_session(self._tls, allow_private=self._allow_private, refusal=refusal) as session:
                async with asyncio.timeout(self._limits.header_seconds):
                    response = await session.get(
                        # The URL is sent as the client wrote it, because its signature may cover only these characters.
                        URL(url, encoded=url.isascii()),
                        allow_redirects=False,
                        headers={"Accept-Encoding": "identity", "Accept": "*/*"},
                    )
                async with response:
                    if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                        return _joined(response)
                    _check_status(response.status, shown)
                    async for piece in PacedBody(response.content.iter_chunked(_CHUNK_BYTES), self._limits.pace):
                        await write(piece)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise DocumentNotReadable(
                f"{shown} could not be fetched ({type(error).__name__}); check that the service can reach it."
            ) from error
        return None


def _joined(response: aiohttp.ClientResponse) -> str:
    try:
        return urljoin(str(response.url), response.headers["Location"])
    except ValueError:
        return ""


def _check_status(status: int, shown: str) -> None:
    if status in (404, 410):
        raise DocumentNotFound(f"There is no document at {shown} (HTTP {status}); check the URL.")
    if status != 200:
        raise DocumentNotReadable(f"{shown} could not be fetched: its server answered HTTP {status}; check the URL.")


def _shown(url: str) -> str:
    """Return the URL without user, password and query, which may be secret."""
    return printable(str(URL(url).with_user(None).with_query(None).with_fragment(None)), _LONGEST_SHOWN)
