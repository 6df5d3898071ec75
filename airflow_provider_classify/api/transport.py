"""
httpx with a limit on the total time of a request.

httpx limits the time of each read, which a server outlives that sends a byte now and then. Here each operation
on the socket gets only what is left of the total time, in every phase: connecting, TLS, sending, the headers
and the body.
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

#: Seconds after which an idle connection is not used again; servers close theirs after 5 s and more.
_KEEP_ALIVE = 3.0
#: Bytes that are given to the socket at once. Each such write can use up the time that is left.
_PIECE = 16 * 1024
#: When the request that runs in this thread has to be complete, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("_deadline")

#: What httpcore raises before anything was sent.
CONNECT_ERRORS = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError, httpcore.UnsupportedProtocol)
#: What httpcore raises otherwise.
NETWORK_ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@contextmanager
def total_time(seconds: float) -> Iterator[None]:
    """Limit the requests within, on this thread, to a total of so many seconds."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class TimedTransport(httpx.BaseTransport):
    """
    Connections to one server, used by any number of threads.

    It raises httpcore's exceptions (:data:`CONNECT_ERRORS`, :data:`NETWORK_ERRORS`).

    :param url: the server; the certificates of authorities are loaded only for https.
    :param proxy: the URL of an HTTP proxy, with its user and password if it asks for them.
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
        """Send a request and return the response, whose body is still to be read."""
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
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _left(timeout, httpcore.WriteTimeout))

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
    """Return the seconds that an operation may take: ``timeout``, or what is left of the total time if that is less."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise too_late("The total time of the request is over.")
    return left if timeout is None else min(timeout, left)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
