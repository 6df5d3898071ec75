"""Send HTTP/1.1 requests over connections that stay open. The cost is low, so that only the server is measured."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BOUNDARY = "bench"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its status and its body."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """An open connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, request: bytes) -> Reply:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await self._reader.readexactly(int(length[1])) if length else b""
        return Reply(int(head[9:12]), body)

    def close(self) -> None:
        self._writer.close()


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n".encode()


def submit(name: str, content: bytes, categories: list[str]) -> bytes:
    """Return the submit of a document."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="categories"\r\n\r\n{json.dumps(categories)}\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="pdf_file"; filename="{name}"\r\n\r\n'
    ).encode()
    body = head + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return (
        f"POST /classify HTTP/1.1\r\nHost: bench\r\nContent-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class Tally:
    """
    The replies of a load.

    :param seconds: the duration of the load.
    :param statuses: the number of replies by HTTP status.
    :param latencies: the seconds that each reply took.
    """

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return the latency in seconds that ``share`` of the requests, from 0 to 1, did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def add(self, status: int, seconds: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies.append(seconds)


async def load(
    port: int,
    clients: int,
    seconds: float,
    request: Callable[[int], bytes],
    *,
    pause: float = 0.0,
    replied: Callable[[Reply], Awaitable[None] | None] = lambda _: None,
) -> Tally:
    """
    Let each client send requests, one after the other, for some seconds.

    :param request: a function that returns the next request of the client with this number.
    :param pause: seconds between a reply and the next request of the same client.
    :param replied: a function that is called with each reply.
    """
    tally = Tally()
    began = time.perf_counter()

    async def run(number: int) -> None:
        connection = await Connection.open(port)
        await asyncio.sleep(pause * number / clients)
        while time.perf_counter() - began < seconds:
            asked = time.perf_counter()
            reply = await connection.send(request(number))
            tally.add(reply.status, time.perf_counter() - asked)
            replied(reply)
            if pause:
                await asyncio.sleep(pause)
        connection.close()

    await asyncio.gather(*map(run, range(clients)))
    tally.seconds = time.perf_counter() - began
    return tally
