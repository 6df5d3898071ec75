"""
Download an http(s) document into a file.

One deadline limits the whole download: name resolution, connection, redirects, headers and body. A server cannot extend
the deadline by sending a few bytes from time to time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentError,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
)
from airflow_provider_classify.model.api_contract import MAX_BYTES

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """
    The limits of a download.

    ``seconds`` limits the whole download, ``silent_seconds`` the wait for the connection and for the next byte.
    ``bytes`` limits the size of the document after any decompression.
    """

    seconds: float = 900.0
    silent_seconds: float = 60.0
    bytes: int = MAX_BYTES


def too_large(label: str, limit: int = MAX_BYTES) -> DocumentTooLarge:
    """Return the error for a document that has more bytes than ``limit``."""
    return DocumentTooLarge(
        f"The document {label} is larger than {limit // 1024**2} MB; split it or send its first pages."
    )


def download(
    url: str,
    target: Path,
    *,
    label: str,
    limits: DownloadLimits = DownloadLimits(),
    check_redirect: Callable[[str], None] = lambda url: None,
) -> None:
    """
    Download the document of a URL into the file ``target``.

    :param label: names the document in errors.
    :param check_redirect: a function that gets each URL to which a server redirects. It raises an error to refuse it.
    :raises DocumentNotFound: the server replied with 404 or 410.
    :raises DocumentNotReadable: the server replied with another error, did not reply, or exceeded a time limit.
    :raises DocumentEmpty: the document has no bytes.
    :raises DocumentTooLarge: the document has more bytes than the limit.
    """
    done: Future[None] = Future()
    exchange = _Exchange(url, target, label, limits, check_redirect)

    def work() -> None:
        try:
            asyncio.run(exchange.run(done))
        except BaseException as error:
            with suppress(Exception):  # the outcome is already set if only the closing of the loop failed
                done.set_exception(error)

    # A separate thread, because the caller's thread may run an event loop. It is a daemon thread, because a blocked
    # name resolution cannot be interrupted, and the end of the process must not wait for it.
    thread = threading.Thread(target=work, name="airflow-classify-download", daemon=True)
    thread.start()
    try:
        done.result()
    finally:
        exchange.cancel()


class _Exchange:
    """A download on the event loop of its thread."""

    def __init__(
        self, url: str, target: Path, label: str, limits: DownloadLimits, check_redirect: Callable[[str], None]
    ) -> None:
        self._url = url
        self._target = target
        self._label = label
        self._limits = limits
        self._check_redirect = check_redirect
        self._cancel: Callable[[], None] | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """Stop the download if it still runs. Any thread can call this."""
        self._is_cancelled = True
        if self._cancel is not None:
            self._cancel()

    async def run(self, done: Future[None]) -> None:
        """Download the document and set the outcome at once, because closing the loop may take longer."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def cancel() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(task.cancel)  # type: ignore[union-attr]

        self._cancel = cancel
        try:
            if not self._is_cancelled:
                await self._download()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    async def _download(self) -> None:
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._limits.silent_seconds, sock_read=self._limits.silent_seconds
        )
        try:
            async with (
                asyncio.timeout(self._limits.seconds),
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            ):
                await self._follow(session)
        except TimeoutError as error:
            raise DocumentNotReadable(
                f"The document {self._label} was not fetched within {self._limits.seconds:.0f} s, or its server was "
                f"silent for {self._limits.silent_seconds:.0f} s; check its server, or copy it to a storage first."
            ) from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise self._unreachable(error) from error
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: a host such as a..b
            # Not chained: the message has the URL with its signature, which gives access to the document.
            raise self._unreachable(error) from None

    async def _follow(self, session: ClientSession) -> None:
        url = _parse(self._url)
        for _ in range(_MAX_REDIRECTS + 1):
            async with session.get(url, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    await self._save(response)
                    return
            url = url.join(_parse(location))
            if url.scheme not in ("http", "https"):
                raise DocumentNotReadable(
                    f"The document {self._label} redirects to a URL that is not http; give the URL that it leads to."
                )
            self._check_redirect(str(url))
        raise DocumentNotReadable(
            f"The document {self._label} redirects more than {_MAX_REDIRECTS} times; give the URL that it leads to."
        )

    async def _save(self, response: ClientResponse) -> None:
        if response.status >= 300:
            raise self._refused(response.status)
        if (response.content_length or 0) > self._limits.bytes:
            raise too_large(self._label, self._limits.bytes)
        size = 0
        with self._target.open("wb") as file:
            async for chunk in response.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > self._limits.bytes:
                    raise too_large(self._label, self._limits.bytes)
                file.write(chunk)
        if size == 0:
            raise DocumentEmpty(f"The document {self._label} is empty; send it again or leave it out.")

    def _unreachable(self, error: Exception) -> DocumentNotReadable:
        return DocumentNotReadable(
            f"The document {self._label} cannot be fetched ({type(error).__name__}); "
            "check the URL and that its server is up."
        )

    def _refused(self, status: int) -> DocumentError:
        if status in (404, 410):
            return DocumentNotFound(f"There is no document at {self._label} (HTTP {status}); check the URL.")
        return DocumentNotReadable(
            f"The document {self._label} cannot be fetched (HTTP {status}); "
            "check the URL, its signature and its expiry."
        )


def _parse(url: str) -> URL:
    """Parse a URL without changing its escapes, because a signature covers exactly these characters."""
    from yarl import URL

    return URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)
