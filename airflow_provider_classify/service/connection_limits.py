"""
Limit the connections to the HTTP server: their number, the seconds until the header of a request has arrived, and the
bytes of a request beside its body.

uvicorn limits none of them. Its keep-alive timeout ends with the first byte of a request, its ``limit_concurrency``
counts a connection only when a whole header has arrived, and its fast parser accepts a header of any size. Other
servers lack limits too. hypercorn limits the time for headers, but not the connections. granian limits both, but never
closes a connection that sends nothing. So this module adds the limits to uvicorn's protocol class.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

#: The most connections that may be open at the same time.
MAX_CONNECTIONS = 4096
#: Seconds from the first byte of a request, or from the start of a connection, to the end of the header.
HEADER_SECONDS = 15.0
#: The most bytes of a request beside its body: the request line, headers, trailers and sizes of chunks. Each 16 bytes
#: of the body allow one byte more, because a long body has many chunks.
MAX_HEADER_BYTES = 64 * 1024
#: The most requests of a connection that wait until an earlier request of the connection is answered.
_MAX_PIPELINED = 1000


def bounded_protocol(
    max_connections: int = MAX_CONNECTIONS, header_seconds: float = HEADER_SECONDS
) -> type[_BoundedProtocol]:
    """Return a protocol class for uvicorn's ``http`` setting. Each server needs a class of its own."""
    limits = {"max_connections": max_connections, "header_seconds": header_seconds, "waiting": {}}
    return type("BoundedProtocol", (_BoundedProtocol,), limits)


class _BoundedProtocol(HttpToolsProtocol):
    """
    uvicorn's protocol for one connection, with the limits of this module.

    When too many connections are open, a new connection replaces the connection that has waited longest for a whole
    header. If the server is answering a request on every open connection, the new connection is closed.
    """

    max_connections = MAX_CONNECTIONS
    header_seconds = HEADER_SECONDS
    #: Connections on which no request is being answered, the oldest first. All connections of a server share it.
    waiting: ClassVar[dict[_BoundedProtocol, None]]
    _deadline: asyncio.TimerHandle | None = None
    _in_header = False
    _overhead_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._unanswered: list[RequestResponseCycle] = []
        if len(self.connections) > self.max_connections:
            oldest = next(iter(self.waiting), self)
            oldest._abort()
        if not transport.is_closing():
            self._expect_header()

    def data_received(self, data: bytes) -> None:
        self._overhead_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._overhead_bytes > MAX_HEADER_BYTES:
            self.send_400_response("The header of the request is too large.")
        elif self._deadline is None and (self._in_header or self._is_idle):
            self._expect_header()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_header = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_header:  # otherwise it is a trailer, which nobody reads
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_header = False
        self._forget_header()
        super().on_headers_complete()
        if self.cycle is not None:
            self._unanswered.append(self.cycle)
        if len(self.pipeline) > _MAX_PIPELINED:
            self._abort()

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes -= len(body) + len(body) // 16
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._overhead_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._unanswered = [cycle for cycle in self._unanswered if not cycle.response_complete]
        super().on_response_complete()
        if self._is_idle and not self._in_header and not self.transport.is_closing():
            self.waiting[self] = None  # uvicorn's keep-alive timeout runs until the next byte.

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_header()
        self._disconnect()
        super().connection_lost(exc)

    def _abort(self) -> None:
        self._disconnect()
        self.transport.abort()

    def _disconnect(self) -> None:
        """
        Tell each unanswered request that its connection is lost.

        uvicorn tells only the request that arrived last. The reply to an earlier request would then be written to
        a closed connection, which raises an error.
        """
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._unanswered.clear()

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered. The rest of a refused upload may still arrive."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_header(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._abort)
        self.waiting[self] = None

    def _forget_header(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.waiting.pop(self, None)
