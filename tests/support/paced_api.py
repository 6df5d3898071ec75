"""
Serve a classify API whose jobs take a given time, to measure the waits for them.

Run it as ``python -m tests.support.paced_api PORT SHORTEST LONGEST``. The jobs take SHORTEST to LONGEST seconds,
spread evenly by their number. The API has the batch status route.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from aiohttp import web

from airflow_provider_classify.model.job import Job, JobStatus, Progress, Statuses, Submission
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from tests.support.waiting import wait_until

RESULT = ClassificationResult(True, "letter", 0.9, 1, 1, (PageResult(1, True, "letter", 0.9, raw_result="letter"),))


class PacedApi:
    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest, self._longest = shortest, longest
        self._ends: dict[str, float] = {}
        self._keys: dict[str, str] = {}

    async def submit(self, request: web.Request) -> web.Response:
        await request.read()
        key = request.headers.get("Idempotency-Key")
        job_id = self._keys.get(key or "") or str(uuid.uuid4())
        if job_id not in self._ends:
            share = len(self._ends) * 0.618 % 1.0  # the golden ratio spreads any number of jobs evenly
            self._ends[job_id] = time.monotonic() + self._shortest + share * (self._longest - self._shortest)
            if key:
                self._keys[key] = job_id
        return web.json_response(Submission(job_id, JobStatus.QUEUED).to_json(), status=202)

    async def get(self, request: web.Request) -> web.Response:
        job_id = request.match_info["job_id"]
        if job_id not in self._ends:
            return web.json_response({"detail": "Job not found"}, status=404)
        status = self._status(job_id)
        done = status is JobStatus.COMPLETED
        progress = Progress.COMPLETED if done else Progress.STARTING
        return web.json_response(Job(job_id, status, progress, result=RESULT if done else None).to_json())

    async def statuses(self, request: web.Request) -> web.Response:
        job_ids = request.query.getall("job_id")
        known = [job_id for job_id in job_ids if job_id in self._ends]
        missing = tuple(job_id for job_id in job_ids if job_id not in self._ends)
        return web.json_response(Statuses({job_id: self._status(job_id) for job_id in known}, missing).to_json())

    async def finish(self, request: web.Request) -> web.Response:
        """End the unfinished jobs evenly within the next ``seconds``; reply with the end of each in epoch seconds."""
        seconds, now = float(request.query["seconds"]), time.monotonic()
        running = [job_id for job_id, end in self._ends.items() if end > now]
        for number, job_id in enumerate(running, start=1):
            self._ends[job_id] = now + seconds * number / len(running)
        epoch = time.time() - now
        return web.json_response({job_id: epoch + self._ends[job_id] for job_id in running})

    async def count(self, request: web.Request) -> web.Response:
        return web.json_response({"jobs": len(self._ends)})

    def _status(self, job_id: str) -> JobStatus:
        return JobStatus.COMPLETED if time.monotonic() >= self._ends[job_id] else JobStatus.PROCESSING


@contextmanager
def running_paced_api(port: int, shortest: float, longest: float) -> Iterator[str]:
    """Run the API in its own process; yield its URL when it answers."""
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.support.paced_api", str(port), str(shortest), str(longest)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent.parent)
    try:
        wait_until(lambda: _answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/count").is_success
    except httpx.HTTPError:
        return False


def main() -> None:
    port, shortest, longest = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    api = PacedApi(shortest, longest)
    app = web.Application()
    app.add_routes(
        [
            web.post("/classify", api.submit),
            web.get("/classify", api.statuses),
            web.get("/classify/{job_id}", api.get),
            web.get("/count", api.count),
            web.post("/finish", api.finish),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
