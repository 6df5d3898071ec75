"""
A transport for httpx that limits the total time of a request.

httpx limits only the time of each read, so a server that sends a byte from time to time can block a request for ever.
Here each operation on the socket gets only the rest of the total time: connecting, TLS, sending, headers and body.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

#: Seconds after which an idle connection is not used again. Servers close idle connections after 5 s or more.
_KEEP_ALIVE = 3.0
#: The most bytes of one write to the socket. The timeout is checked before each write.
_CHUNK = 16 * 1024
#: The deadline of the request that runs in this thread, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("_deadline")

#: The exceptions of httpcore before anything was sent.
CONNECT_ERRORS = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError, httpcore.UnsupportedProtocol)
#: The exceptions of httpcore after something may have been sent.
NETWORK_ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@contextmanager
def total_time(seconds: float) -> Iterator[None]:
    """Limit the total time of the requests in this block, on this thread, to ``seconds``."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class TimedTransport(httpx.BaseTransport):
    """
    The connections to one server. Thread-safe.

    It raises the exceptions of httpcore (:data:`CONNECT_ERRORS`, :data:`NETWORK_ERRORS`).

    :param url: the URL of the server. Certificates are loaded only for https.
    :param proxy: the URL of an HTTP proxy, with user and password if it needs them.
    """

    def __init__(self, url: str, proxy: str | None) -> None:
        options: dict[str, Any] = {
            "ssl_context": httpx.create_ssl_context() if url.startswith("https:") else None,
            "keepalive_expiry": _KEEP_ALIVE,
            "network_backend": _TimedBackend(),
        }
        if proxy is None:
            self._pool = httpcore.ConnectionPool(**options)
        else:
            parsed = httpx.Proxy(proxy)
            self._pool = httpcore.HTTPProxy(_url(parsed.url), proxy_auth=parsed.raw_auth, **options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response. Its body is not read yet."""
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                _url(request.url),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, Iterable)
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response.iter_stream())

    def close(self) -> None:
        self._response.close()


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._backend.connect_tcp(host, port, seconds, local_address, socket_options))


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            self._stream.write(buffer[start : start + _CHUNK], _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _left(timeout: float | None, too_late: type[httpcore.TimeoutException]) -> float:
    """Return the most seconds for an operation: the smaller of ``timeout`` and the rest of the total time."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise too_late("The total time of the request has passed.")
    return left if timeout is None else min(timeout, left)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
