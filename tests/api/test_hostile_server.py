"""
The API client against a server that drips, floods and lies.

A larger attack is ``make attack``; a sample of it runs in ``test_attack.py``.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_classify.api.aio import open_session
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import ApiConnectionLost, ApiUnavailable, InvalidReply, JobTimedOut
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import GaveUp, Wait
from tests.support.api_clients import PROCESSING, Httpx, failure, settings_for
from tests.support.scripted_server import Answer, Stream, scripted_server

pytestmark = pytest.mark.usefixtures("_everything_is_logged")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "a header": Stream(HEAD + b"X-Slow: ", b"x", 0.02),
    "headers": Stream(HEAD, b"X: y\r\n", 0.02),
    "interim replies": Stream(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.02),
    "a body": Stream(HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", 0.02),
    "a body without length": Stream(HEAD + b"\r\n", b" ", 0.02),
    "chunks": Stream(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.02),
}


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_server_that_drips_does_not_outlive_the_timeout(
    client: Httpx, drip: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a limit on the total time, this would not end before the test's own limit."""
    with scripted_server(drip) as server:
        settings = settings_for(server.url, request_timeout=0.3)
        for call in (client.get, client.cancel):
            assert type(failure(call, settings, "8a1c", caplog=caplog)) is ApiConnectionLost
        error = failure(client.submit, settings, "https://files.example.com/a.pdf", caplog=caplog)
    assert type(error) is ApiConnectionLost
    assert len(server.requests) == 3


def test_a_get_takes_no_longer_than_its_caller_has(caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(DRIPS["a body"]) as server, ApiBackend(settings_for(server.url)) as backend:
        error = failure(lambda: backend.get("8a1c", timeout=0.3), caplog=caplog)
    assert type(error) is ApiConnectionLost


SPACES = b" " * 65536
FLOODS = {
    "a body without end": Stream(HEAD + b"\r\n", SPACES),
    "a body of a terabyte": Stream(HEAD + b"Content-Length: 1000000000000\r\n\r\n", SPACES),
    "chunks without end": Stream(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + SPACES + b"\r\n"),
    "a bomb": Answer(200, gzip.compress(b" " * 40 * 1024**2), {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_reply_without_end_is_given_up(
    client: Httpx, flood: Stream | Answer, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(flood) as server:
        for call, what in ((client.get, "8a1c"), (client.submit, "https://files.example.com/a.pdf")):
            error = failure(call, settings_for(server.url), what, caplog=caplog)
            assert type(error) is InvalidReply
            assert "more than 16 MB" in str(error)
            assert what in str(error)


def test_the_page_of_an_error_is_not_read_to_its_end(client: Httpx, caplog: pytest.LogCaptureFixture) -> None:
    page = Stream(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>", SPACES)
    with scripted_server(page) as server:
        error = failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert type(error) is ApiUnavailable
    assert "an HTML page" in str(error)


def test_a_reply_may_be_compressed(client: Httpx) -> None:
    packed = Answer(200, gzip.compress(PROCESSING.content), {"Content-Encoding": "gzip"})
    with scripted_server(packed) as server:
        assert client.get(settings_for(server.url), "8a1c").status is JobStatus.PROCESSING


@pytest.mark.parametrize("job_id", ["8a1d", "", "..", "\x1b[2J"])
def test_a_reply_about_another_job_is_refused(client: Httpx, job_id: str, caplog: pytest.LogCaptureFixture) -> None:
    other = Answer(200, {"job_id": job_id, "status": "failed", "error": "not yours"})
    with scripted_server(other) as server:
        for call in (client.get, client.cancel):
            error = failure(call, settings_for(server.url), "8a1c", caplog=caplog)
            assert type(error) is InvalidReply
            assert "job 8a1c" in str(error)


async def test_a_watched_job_does_not_end_by_a_reply_about_another() -> None:
    other = Answer(200, {"job_id": "8a1d", "status": "completed"})
    group = Answer(200, {"jobs": {"8a1d": "completed"}, "not_found": []})
    now = time.time()
    with scripted_server(other) as server:
        async with open_session(settings_for(server.url)) as session:
            end = await session.watch(Wait("8a1c", since=now - 60, deadline=now + 0.5))
            assert isinstance(end, GaveUp)
            assert "8a1d" in str(end.error)
    with scripted_server(group) as server:
        async with open_session(settings_for(server.url)) as session:
            seen = await session.statuses(["8a1c", "8a1e"])
    assert {type(found) for found in seen.values()} == {InvalidReply}


async def test_a_large_reply_does_not_hold_up_the_loop() -> None:
    """While it is read, the loop runs."""
    pages = [{"page": number, "success": False, "error": "x" * 40} for number in range(1, 15_001)]
    result = {"success": True, "classification": "a", "confidence": 1, "total_pages": 15_000, "processed_pages": 15_000}
    large = Answer(200, {"job_id": "8a1c", "status": "completed", "result": result | {"page_results": pages}})
    turns = 0
    with scripted_server(large) as server:
        async with open_session(settings_for(server.url)) as session:
            read = asyncio.create_task(session.get("8a1c"))
            while not read.done():
                await asyncio.sleep(0)
                turns += 1
            job = await read
    assert job.result is not None
    assert len(job.result.page_results) == 15_000
    assert turns > 100


def test_requests_of_a_backend_share_a_connection_until_it_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(PROCESSING) as server:
        with ApiBackend(settings_for(server.url)) as backend:
            for _ in range(3):
                backend.get("8a1c")
        assert server.connections == 1
        backend.get("8a1c")  # used again, it opens another
        assert server.connections == 2
        backend.close()


def test_threads_may_share_a_backend() -> None:
    with (
        scripted_server(PROCESSING) as server,
        ApiBackend(settings_for(server.url)) as backend,
        ThreadPoolExecutor(8) as threads,
    ):
        jobs = list(threads.map(backend.get, ["8a1c"] * 40))
    assert {job.status for job in jobs} == {JobStatus.PROCESSING}


async def test_a_watch_ends_at_its_deadline_whatever_the_server_drips() -> None:
    now = time.time()
    with scripted_server(DRIPS["a body"]) as server:
        async with open_session(settings_for(server.url, request_timeout=3600)) as session:
            end = await session.watch(Wait("8a1c", since=now - 60, deadline=now + 0.5))
    assert isinstance(end, GaveUp)
    assert isinstance(end.error, JobTimedOut)
