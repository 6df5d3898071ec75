"""
Serve scripted replies, such as replies that the real service never sends.

    with scripted_server(Answer(503, b"..."), Answer(202, {"job_id": "1", "status": "queued"})) as server:
        httpx.post(f"{server.url}/classify")

The last answer is repeated. ``server.requests`` lists the requests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: The most bytes of a request's body that are kept. The rest is read and dropped.
_KEPT = 1024 * 1024


class Fault(Enum):
    """What the server does in place of an answer."""

    HANG_UP = auto()  # reads the request and closes the connection
    BREAK_OFF = auto()  # closes the connection in the middle of its answer
    SILENCE = auto()  # reads the request and sends nothing
    DEAF = auto()  # reads only the header and sends nothing


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 500

    def handle_error(self, *args: object) -> None:
        pass  # clients close connections on purpose


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes | Mapping[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Stream:
    """Raw bytes, then ``piece`` repeatedly after each ``pause`` in seconds, until the client closes the connection."""

    first: bytes
    piece: bytes
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedServer:
    def __init__(self, answers: tuple[Answer | Fault | Stream, ...]) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._answers = answers
        self._taken = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._http = _Http(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._http.server_bind()  # reserves the port, which refuses connections until `listen`
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def listen(self) -> None:
        self._http.server_activate()
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(poll_interval=0.02), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def _next_answer(self) -> Answer | Fault | Stream:
        with self._lock:
            answer = self._answers[min(self._taken, len(self._answers) - 1)]
            self._taken += 1
            return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections += 1

            def do_GET(self) -> None:
                server._serve(self)

            do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self._next_answer()
        length = 0 if answer is Fault.DEAF else int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(min(length, _KEPT))
        for left in range(length - len(body), 0, -_KEPT):
            handler.rfile.read(min(left, _KEPT))
        self.requests.append(Request(handler.command, handler.path, dict(handler.headers), body))
        if isinstance(answer, Answer):
            self._send(handler, answer)
            return
        handler.close_connection = True
        if isinstance(answer, Stream):
            handler.wfile.write(answer.first)
            while not self._ending.wait(answer.pause):
                handler.wfile.write(answer.piece)
        elif answer is Fault.BREAK_OFF:
            handler.wfile.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n{"job_id": "8a1c", ')
        elif answer in (Fault.SILENCE, Fault.DEAF):
            self._ending.wait()

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.content)))
        handler.end_headers()
        handler.wfile.write(answer.content)


@contextmanager
def scripted_server(*answers: Answer | Fault | Stream, listening: bool = True) -> Iterator[ScriptedServer]:
    """Run a server that sends the answers in turn. If not ``listening``, it refuses connections until ``listen``."""
    server = ScriptedServer(answers)
    if listening:
        server.listen()
    try:
        yield server
    finally:
        server.close()
