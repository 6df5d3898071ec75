"""
Attack the real service, a process on loopback, with malicious clients.

During the attack, honest clients submit documents and wait for their results. At the end, every accepted job must have
ended, and no document may be left.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from benchmarks.attack.counts import Counts
from benchmarks.attack.exchange import Exchange, request, valid
from benchmarks.attack.malicious_requests import draw

#: The most exchanges at the same time, without the slow ones, which wait for a time limit of the service.
CONCURRENT = 32
#: The number of exchanges for each honest submit.
HONEST_EVERY = 25
#: Seconds without a byte from the service after which a usual exchange counts as hanging. The total time is not
#: limited, because 300 pipelined requests take long on a busy machine.
LIMIT_SECONDS = 40.0
#: The same for an exchange that a time limit of the service ends.
SLOW_LIMIT_SECONDS = 90.0
#: Seconds within which all jobs must have ended.
END_SECONDS = 120.0

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)
_JOB_ID = re.compile(rb'"job_id":"([0-9a-f-]{36})"')
_ENDED = ("completed", "failed")


async def run(count: int, seed: int, *, slow: bool = True) -> Counts:
    """
    Attack with ``count`` exchanges and return the counts of their outcomes.

    :param slow: include exchanges that only a time limit of the service ends.
    """
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+b") as log:
        service = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("airflow-classify")),
            *("serve", "--port", "0", "--data", folder, "--allow-private-urls"),
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            assert service.stdout is not None
            line = await asyncio.wait_for(service.stdout.readline(), 60)
            port = int(line.decode().strip().rsplit(":", 1)[1])
            async with await asyncio.start_server(_drip, "127.0.0.1", 0) as drip:
                attack = _Attack(port, f"http://127.0.0.1:{drip.sockets[0].getsockname()[1]}")
                await attack.run(count, random.Random(seed), slow)
                await attack.finish(Path(folder))
            attack.counts.crashes += service.returncode is not None
        finally:
            if service.returncode is None:
                service.terminate()
            stopped = await service.wait()
        attack.counts.crashes += stopped != 0
        log.seek(0)
        written = log.read()
        attack.counts.crashes += written.count(b"Traceback")
        attack.counts.lost += written.count(b"\x1b")
        attack.report(written)
        return attack.counts


@dataclass
class _Attack:
    port: int
    drip_url: str
    counts: Counts = field(default_factory=Counts)
    statuses: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    #: The request and the job's id for each accepted idempotency key.
    by_key: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    refused: int = 0
    problems: list[str] = field(default_factory=list)

    async def run(self, count: int, generator: random.Random, slow: bool) -> None:
        places = asyncio.Semaphore(CONCURRENT)
        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                name, exchange = draw(number, generator, self.drip_url, slow=slow)
                if name == "slow":
                    tasks.create_task(self._attack(name, exchange, SLOW_LIMIT_SECONDS))
                    continue
                await places.acquire()
                task = tasks.create_task(self._attack(name, exchange, LIMIT_SECONDS))
                task.add_done_callback(lambda _: places.release())
                if number % HONEST_EVERY == 0:
                    tasks.create_task(self._honest())

    async def finish(self, folder: Path) -> None:
        """Cancel the jobs that fetch from the endless server. Check that all others end and no document is left."""
        try:
            async with asyncio.timeout(END_SECONDS):
                for job_id in sorted(self.accepted):
                    while not self._has_ended(job_id, job := await self._job(job_id)):
                        if job["status"] == "processing" and not (folder / "documents" / job_id).exists():
                            await self._delete(job_id)
                        await asyncio.sleep(0.1)
        except (TimeoutError, KeyError):
            self._count("lost", f"the job {job_id}: {job}")
        for path in (folder / "documents").iterdir():
            self._count("lost", f"the document {path.name} is left")

    def report(self, log: bytes) -> None:
        answers = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))
        print(f"Service: {len(self.accepted)} jobs; answers {answers}; refused with Retry-After: {self.refused}.")
        for problem in self.problems[:20]:
            print(f"  {problem}")
        if b"Traceback" in log:
            print(log[log.index(b"Traceback") :][:4000].decode(errors="replace"))

    async def _attack(self, name: str, exchange: Exchange, seconds: float) -> None:
        self.counts.inputs += 1
        try:
            async with asyncio.timeout(seconds) as limit:
                loop = asyncio.get_running_loop()
                answer = await self._talk(exchange, lambda: limit.reschedule(loop.time() + seconds))
        except TimeoutError:
            self._count("hangs", f"{name}: {exchange.beginning[:100]!r}")
            return
        self._judge(name, exchange, answer)
        for job_id in _JOB_ID.findall(answer):
            if exchange.cancel:
                await self._delete(job_id.decode())

    def _judge(self, name: str, exchange: Exchange, answer: bytes) -> None:
        for status, headers in _STATUS.findall(answer):
            self.statuses[status.decode()] += 1
            if status in (b"503", b"507") and b"retry-after" in headers.lower():
                self.refused += 1
            elif status >= b"500":
                self._count("server_errors", f"{name}: {exchange.beginning[:100]!r} {answer[:300]!r}")
        if name == "same key" and (ids := _JOB_ID.findall(answer)):
            [key] = re.findall(rb"Idempotency-Key: (\S+)", exchange.beginning)
            if self.by_key.setdefault(key, (exchange.beginning, ids[0])) != (exchange.beginning, ids[0]):
                self._count("lost", f"the key {key!r} returned another submit's job")
        if exchange.beginning.startswith(b"POST"):
            self.accepted.update(job_id.decode() for job_id in _JOB_ID.findall(answer))

    async def _honest(self) -> None:
        """Submit a document as the contract requires, until it is accepted. Check that its job completes."""
        self.counts.inputs += 1
        answer = b""
        try:
            async with asyncio.timeout(SLOW_LIMIT_SECONDS):
                while not (ids := _JOB_ID.findall(answer)):
                    answer = await self._talk(Exchange((valid(),)))
                    self._judge("honest", Exchange((b"POST",)), answer)
                    await asyncio.sleep(0.5)
                while (job := await self._job(ids[0].decode()))["status"] not in _ENDED:
                    await asyncio.sleep(0.5)
        except (TimeoutError, KeyError):
            self._count("lost", f"an honest submit: {answer[:200]!r}")
            return
        if job["status"] != "completed":
            self._count("lost", f"an honest job: {job}")

    async def _delete(self, job_id: str) -> None:
        self.deleted.add(job_id)
        await self._talk(Exchange((request(method=b"DELETE", target=_target(job_id)),)))

    def _has_ended(self, job_id: str, job: Mapping[str, Any]) -> bool:
        """Return whether the job has ended. A job that was deleted after its end is not found any more."""
        return (job_id in self.deleted and "status" not in job) or job["status"] in _ENDED

    async def _job(self, job_id: str) -> dict[str, Any]:
        answer = await self._talk(Exchange((request(method=b"GET", target=_target(job_id)),)))
        job: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2] or b"{}")
        return job

    async def _talk(self, exchange: Exchange, received: Callable[[], object] = lambda: None) -> bytes:
        """
        Send the pieces. Return what the service sent until it closed the connection or an answer was complete.

        :param received: a function that is called for each piece of the answer.
        """
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            self._count("crashes", f"no connection: {error}")
            return b""
        receiving = asyncio.ensure_future(_receive(reader, received, until_closed=exchange.end == "half"))
        try:
            with suppress(OSError):
                for piece in exchange.sent:
                    if receiving.done():
                        break
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(exchange.pause)
                if exchange.end == "half":
                    writer.write_eof()
                elif exchange.end == "reset":
                    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
            return await receiving
        finally:
            receiving.cancel()
            writer.transport.abort()

    def _count(self, kind: str, problem: str) -> None:
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)
        self.problems.append(f"{kind}: {problem}")


async def _receive(reader: asyncio.StreamReader, received: Callable[[], object], *, until_closed: bool) -> bytes:
    answer = b""
    with suppress(OSError):
        while piece := await reader.read(65536):
            received()
            answer += piece
            if not until_closed and _is_whole(answer):
                break
    return answer


def _is_whole(answer: bytes) -> bool:
    head, gap, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(gap) and not head.startswith(b"HTTP/1.1 100") and length is not None and len(body) >= int(length[1])


def _target(job_id: str) -> bytes:
    return f"/classify/{job_id}".encode()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an endless reply to a fetch: header bytes, informational replies, redirects, or document bytes."""
    with suppress(OSError):
        line = (await reader.readline()).decode(errors="replace")
        first, again = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"a"
        if "/header" in line:
            first = b"HTTP/1.1 200 OK\r\nX-Pad: "
        elif "/informational" in line:
            first, again = b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"
        elif "/redirect" in line:
            first, again = b"HTTP/1.1 302 Found\r\nLocation: /redirect\r\nContent-Length: 0\r\n\r\n", b""
        writer.write(first)
        while again and not writer.is_closing():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0.2)
    writer.close()
