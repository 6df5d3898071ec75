"""The wait for a job on a worker, and single requests for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    JobNotFound,
    JobTimedOut,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.polling import Wait, answer
from tests.support.hook_replies import DONE, PROCESSING
from tests.support.scripted_server import Answer, Fault, Stream, scripted_server
from tests.support.service import KEY

pytestmark = pytest.mark.usefixtures("_own_record")


def waited(seconds: float = 60) -> Job:
    now = time.time()
    return ClassifyHook("docs").wait(Wait("8a1c", since=now, deadline=now + seconds, longest_pause=0.01))


def test_a_wait_outlasts_what_passes(connection: Callable[..., None], log: Callable[[], str]) -> None:
    troubles = (
        PROCESSING,
        Answer(502, b"<html>Bad Gateway</html>"),
        Answer(200, b"<html>Maintenance</html>"),
        Fault.BREAK_OFF,
        Answer(429, b"Too Many Requests", {"Retry-After": "0"}),
        Answer(503, {"error": {"code": "service_unavailable"}}),
    )
    with scripted_server(*troubles, DONE) as server:
        connection(host=server.url, password=KEY)
        assert answer(waited()).classification == "invoice"
    assert len(server.requests) == len(troubles) + 1
    logged = log()
    assert "Job 8a1c is processing; asking again in" in logged
    assert "could not be read" in logged
    assert KEY not in logged


def test_a_wait_gives_a_failed_job_back(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(200, {"job_id": "8a1c", "status": "failed", "error": "no"})) as server:
        connection(host=server.url)
        assert waited().status is JobStatus.FAILED


@pytest.mark.parametrize(
    ("reply", "kind"), [(Answer(401), AuthenticationRejected), (Answer(404, {"detail": "Job not found"}), JobNotFound)]
)
def test_a_wait_ends_at_once_on_what_stays(
    connection: Callable[..., None], reply: Answer, kind: type[ClassifyError]
) -> None:
    with scripted_server(reply) as server:
        connection(host=server.url)
        with pytest.raises(kind):
            waited()
    assert len(server.requests) == 1


def test_a_wait_ends_at_its_deadline(connection: Callable[..., None]) -> None:
    with scripted_server(PROCESSING) as server:
        connection(host=server.url)
        with pytest.raises(JobTimedOut, match="8a1c"):
            waited(seconds=0.2)
    assert len(server.requests) > 1


def test_a_wait_ends_at_its_deadline_whatever_the_server_drips(connection: Callable[..., None]) -> None:
    """The request alone would take the connection's whole timeout, which is longer than the test may take."""
    drip = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", 0.02)
    with scripted_server(drip) as server:
        connection(host=server.url, extra={"request_timeout": 3600})
        with pytest.raises(JobTimedOut, match="8a1c"):
            waited(seconds=0.5)
    assert len(server.requests) == 1


def test_an_aget_ends_at_the_timeout_whatever_the_server_drips(connection: Callable[..., None]) -> None:
    drip = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", 0.02)
    with scripted_server(drip) as server:
        connection(host=server.url, extra={"request_timeout": 0.5})
        with pytest.raises(ApiConnectionLost, match="8a1c"):
            asyncio.run(ClassifyHook("docs").aget("8a1c"))


def test_the_fetch_of_a_result_outlasts_a_short_failure(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(502), DONE) as server:
        connection(host=server.url)
        assert answer(ClassifyHook("docs").fetch("8a1c")).classification == "invoice"


def test_one_look_gives_what_may_pass_as_a_value(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(502), Answer(401)) as server:
        connection(host=server.url)
        assert type(ClassifyHook("docs").look("8a1c")) is ApiUnavailable
        with pytest.raises(AuthenticationRejected):
            ClassifyHook("docs").look("8a1c")
