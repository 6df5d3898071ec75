"""
Limit the number of connections to the HTTP server, and the seconds that each may take for the header of a request.

uvicorn limits neither of them. Its keep-alive timeout ends with the first byte of a request, and its
``limit_concurrency`` counts a connection only when a whole header has arrived. Other servers also lack a limit.
hypercorn limits the time for headers, but not the connections. granian limits both, but never closes a connection that
sends nothing. So this module adds both limits to uvicorn's protocol class.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: The most connections that may be open at the same time.
MAX_CONNECTIONS = 4096
#: Seconds from the first byte of a request, or from the start of a connection, to the end of the header.
HEADER_SECONDS = 15.0


def bounded_protocol(max_connections: int = MAX_CONNECTIONS, header_seconds: float = HEADER_SECONDS) -> type[Any]:
    """
    Return a protocol class for uvicorn's ``http`` setting.

    When too many connections are open, a new connection replaces the connection that has waited longest for a whole
    header. If the server is answering a request on every open connection, the new connection is closed.
    """

    class BoundedProtocol(H11Protocol):
        #: Connections on which no request is being answered, the oldest first.
        waiting: dict[BoundedProtocol, None] = {}  # noqa: RUF012 - all connections share it
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                oldest = next(iter(self.waiting), self)
                oldest.transport.abort()
            if not transport.is_closing():
                self._expect_header()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._forget_header()
            elif self._deadline is None:
                self._expect_header()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
                self.waiting[self] = None  # uvicorn's keep-alive timeout runs until the next byte.

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_header()
            super().connection_lost(exc)

        def _expect_header(self) -> None:
            self._deadline = self.loop.call_later(header_seconds, self.transport.abort)
            self.waiting[self] = None

        def _forget_header(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            self.waiting.pop(self, None)

    return BoundedProtocol
