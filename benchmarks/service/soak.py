"""
Load the service for a long time, with usual clients and with faults, and measure the growth of its memory and handles.

The faults: damaged documents, malformed and broken uploads, requests for unknown jobs, cancelled jobs, and killed
processes of the engine.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.service.measures import CATEGORIES, born_digital
from benchmarks.service.processes import Server, service
from benchmarks.service.requests import Connection, get, submit

#: The growth that is allowed, as a share.
ALLOWED = 0.02
_CLIENTS = 12
_SAMPLE_SECONDS = 1.0
#: The share of the time that warms the service up, and the share after it that is compared with the same share at the
#: end.
_WARM, _COMPARED = 0.25, 0.25
#: Seconds between two kills of a process of the engine.
_KILL_SECONDS = 20.0
_JOBS_KEPT = 500
_MB = 1024 * 1024


@dataclass
class _Soak:
    server: Server
    ends: float
    documents: list[bytes]
    random: random.Random = field(default_factory=lambda: random.Random(1))
    jobs: list[str] = field(default_factory=list)
    replies: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    handles: list[float] = field(default_factory=list)

    async def run(self) -> None:
        await asyncio.gather(self._watch(), self._kill(), *(self._client() for _ in range(_CLIENTS)))

    async def _watch(self) -> None:
        while time.monotonic() < self.ends:
            self.memory.append(self.server.memory())
            self.handles.append(self.server.handles())
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def _kill(self) -> None:
        while time.monotonic() + _KILL_SECONDS < self.ends:
            await asyncio.sleep(_KILL_SECONDS)
            if children := self.server.process.children():
                self.random.choice(children).kill()
                self.replies["killed engine processes"] += 1

    async def _client(self) -> None:
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self._submit: 4, self._status: 40, self._statuses: 4, self._cancel: 1, self._page: 1,
            self._unknown: 2, self._malformed: 1, self._broken_upload: 1, self._damaged: 1,
        }  # fmt: skip
        while time.monotonic() < self.ends:
            [action] = self.random.choices(list(actions), list(actions.values()))
            await action()
            await asyncio.sleep(self.random.random() * 0.1)

    async def _send(self, request: bytes, what: str) -> bytes:
        connection = await Connection.open(self.server.port)
        reply = await connection.send(request)
        connection.close()
        self.replies[f"{what}: {reply.status}"] += 1
        if reply.status == 202:
            self.jobs.append(reply.json()["job_id"])
            del self.jobs[:-_JOBS_KEPT]
        return reply.body

    async def _submit(self) -> None:
        await self._send(self.random.choice(self.documents), "submit")

    async def _damaged(self) -> None:
        await self._send(submit("damaged.pdf", b"%PDF-1.7 " + self.random.randbytes(2000), CATEGORIES), "damaged")

    async def _status(self) -> None:
        if self.jobs:
            await self._send(get(f"/classify/{self.random.choice(self.jobs)}"), "status")

    async def _statuses(self) -> None:
        if self.jobs:
            await self._send(get(f"/classify?job_id={'&job_id='.join(self.jobs[-100:])}"), "statuses")

    async def _cancel(self) -> None:
        if self.jobs:
            await self._send(get(f"/classify/{self.jobs.pop()}").replace(b"GET", b"DELETE", 1), "cancel")

    async def _page(self) -> None:
        await self._send(get("/dashboard/api/activity"), "page")

    async def _unknown(self) -> None:
        await self._send(get(f"/classify/{self.random.randrange(10**9)}"), "unknown job")

    async def _malformed(self) -> None:
        await self._send(self.documents[0].replace(b"name=", b"eman="), "malformed")

    async def _broken_upload(self) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        request = self.random.choice(self.documents)
        writer.write(request[: self.random.randrange(len(request))])
        with suppress(OSError):
            await writer.drain()
        writer.transport.abort()
        self.replies["broken uploads"] += 1


def run(seconds: float) -> int:
    """Load the service for some seconds. Return 1 if its memory or handles grew by more than ``ALLOWED``, else 0."""
    documents = [submit(name, content, CATEGORIES) for name, content in born_digital()]
    with service() as server:
        soak = _Soak(server, time.monotonic() + seconds, documents)
        asyncio.run(soak.run())
        print(
            f"soak of {seconds / 60:g} minutes: {', '.join(f'{what}: {n}' for what, n in sorted(soak.replies.items()))}"
        )
    grown = {"memory": soak.memory, "handles": soak.handles}
    failed = False
    for what, samples in grown.items():
        growth, first, last = _growth(samples)
        failed |= growth > ALLOWED
        unit = _MB if what == "memory" else 1
        print(f"soak: {what} {first / unit:.1f}{' MB' if unit > 1 else ''} → {last / unit:.1f}, growth {growth:+.1%}")
    return int(failed)


def _growth(samples: list[float]) -> tuple[float, float, float]:
    """Return the growth as a share, and the two medians that it compares: after the warm-up, and at the end."""
    warm, compared = int(len(samples) * _WARM), max(1, int(len(samples) * _COMPARED))
    first, last = statistics.median(samples[warm : warm + compared]), statistics.median(samples[-compared:])
    return last / first - 1, first, last
