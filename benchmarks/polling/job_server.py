"""
Serve jobs that end at known times, and count the requests.

There is a route for the classify API, and one for each API whose triggers are compared. Jobs are numbered from 1. The
server uses asyncio without a framework, so that it is faster than the triggers that are measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_provider_classify.model.job import Job, JobStatus, Progress, Statuses
from airflow_provider_classify.model.result import ClassificationResult, PageResult

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PLACE = "<job>"


def job_id(number: int) -> str:
    """Return the classify API's id of a job: a UUID with the number at its end."""
    return f"5eed0000-0000-4000-8000-{number:012d}"


@dataclass(frozen=True)
class Route:
    """
    The replies of one API about a job that runs or has ended.

    :param target: a regular expression for ``METHOD /path?query body``. Its only group is the job's number.
    :param running: the status and body while the job runs; ``<job>`` in a body is replaced by the number.
    :param ended: the status and body after the job has ended.
    """

    target: str
    running: tuple[int, str]
    ended: tuple[int, str]


def _classify() -> Route:
    pages = tuple(PageResult(page, True, "contract", 0.92, raw_result="contract") for page in (1, 2, 3, 4))
    result = ClassificationResult(True, "contract", 0.92, 4, 4, pages)
    running = Job(job_id(0), JobStatus.PROCESSING, Progress.STARTING)
    ended = Job(job_id(0), JobStatus.COMPLETED, Progress.COMPLETED, result=result)
    bodies = [json.dumps(job.to_json()).replace(f"{0:012d}", _PLACE) for job in (running, ended)]
    return Route(r"GET /classify/[-0-9a-f]{24}(\d{12})", (200, bodies[0]), (200, bodies[1]))


ROUTES = {
    "classify": _classify(),
    "http": Route(r"GET /job/(\d+)", (404, '{"detail": "not yet"}'), (200, '{"status": "completed"}')),
    "dbt-cloud": Route(
        r"GET /api/v2/accounts/1/runs/(\d+)/",
        (200, '{"data": {"id": <job>, "status": 3}, "status": {"code": 200}}'),
        (200, '{"data": {"id": <job>, "status": 10}, "status": {"code": 200}}'),
    ),
    "databricks": Route(
        r"GET /api/2.\d/jobs/runs/get\b.*?run_id\D+(\d+)",
        (200, '{"run_id": <job>, "state": {"life_cycle_state": "RUNNING", "state_message": ""}, "tasks": []}'),
        (
            200,
            '{"run_id": <job>, "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", '
            '"state_message": ""}, "run_page_url": "http://localhost", "tasks": []}',
        ),
    ),
    "openai": Route(
        r"GET /v1/batches/(\d+)",
        *(
            (
                200,
                f'{{"id": "<job>", "object": "batch", "endpoint": "/v1/embeddings", "completion_window": "24h", '
                f'"created_at": 1, "input_file_id": "f", "status": "{status}"}}',
            )
            for status in ("in_progress", "completed")
        ),
    ),
    "airbyte": Route(
        r"GET /v1/jobs/(\d+)",
        *(
            (
                200,
                f'{{"jobId": <job>, "status": "{status}", "jobType": "sync", '
                f'"startTime": "2026-01-01T00:00:00Z", "connectionId": "c"}}',
            )
            for status in ("running", "succeeded")
        ),
    ),
}


class JobServer:
    """
    Serves one API's route on loopback.

    :param route: the route of the API.
    :param batch_route: whether to serve the classify API's batch status route too.
    """

    def __init__(self, route: Route, *, batch_route: bool = False) -> None:
        self._route = re.compile(route.target, re.DOTALL)
        self._running, self._ended = ((status, body.encode()) for status, body in (route.running, route.ended))
        self._batch_route = batch_route
        #: When each job ends, in seconds of the monotonic clock, which all processes of a machine share.
        self.ends: dict[int, float] = {}
        #: When the server first reported a job's end, on the same clock.
        self.seen: dict[int, float] = {}
        self.connections = 0
        #: The number of requests in each second.
        self.requests: Counter[int] = Counter()
        self.url = ""

    def begin(self, ends: dict[int, float]) -> None:
        """Replace the jobs and reset the counts."""
        self.ends, self.seen, self.connections, self.requests = ends, {}, 0, Counter()

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=8192)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    def answer(self, request: str) -> tuple[int, bytes]:
        """Return the status and body of the reply to ``METHOD /path?query body``."""
        now = time.monotonic()
        self.requests[int(now)] += 1
        if match := self._route.match(request):
            status, body = self._ended if self._look(int(match[1]), now) else self._running
            return status, body.replace(_PLACE.encode(), match[1].encode())
        if self._batch_route and request.startswith("GET /classify?"):
            return 200, self._statuses(request.split()[1], now)
        return 404, b'{"message": "No such route"}'

    def _look(self, number: int, now: float) -> bool:
        ended = now >= self.ends[number]
        if ended:
            self.seen.setdefault(number, now)
        return ended

    def _statuses(self, path: str, now: float) -> bytes:
        ids = urlsplit(path).query.removeprefix("job_id=").split("&job_id=")
        found = {
            name: JobStatus.COMPLETED if self._look(int(name[-12:]), now) else JobStatus.PROCESSING for name in ids
        }
        return json.dumps(Statuses(found).to_json()).encode()


class _Connection(asyncio.Protocol):
    """One connection, with the part of HTTP/1.1 that these clients use."""

    def __init__(self, server: JobServer) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for head, body in self._requests():
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            status, answer = self._server.answer(f"{method} {path} {body.decode()}")
            self._transport.write(
                b"HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (status, len(answer), answer)
            )
            if b"connection: close" in head.lower():
                self._transport.close()

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, start = self._buffer[:end], end + 4
            length = _CONTENT_LENGTH.search(head)
            stop = start + (int(length[1]) if length else 0)
            if len(self._buffer) < stop:
                return
            body, self._buffer = self._buffer[start:stop], self._buffer[stop:]
            yield head, body
