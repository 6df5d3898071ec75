"""Whether the client sends a request again, over real HTTP, with httpx and with aiohttp."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiOverloaded,
    ApiUnavailable,
    ClassifyError,
    InvalidReply,
    RateLimited,
)
from tests.support.api_clients import ACCEPTED, CATEGORIES, HTML, PROCESSING, Httpx, failure, settings_for
from tests.support.scripted_server import Answer, Fault, scripted_server

pytestmark = pytest.mark.usefixtures("_everything_is_logged")


@pytest.mark.parametrize(
    "turned_away",
    [
        Answer(429, b"Too Many Requests"),
        Answer(429, {"detail": "slow down"}, {"Retry-After": "0"}),
        Answer(503, {"error": {"code": "service_unavailable", "details": {"retry_after": 0}}}),
        Answer(503, HTML, {"Retry-After": "0"}),
    ],
)
def test_a_submit_that_was_turned_away_is_sent_again_whole(client: Httpx, document: str, turned_away: Answer) -> None:
    with scripted_server(turned_away, turned_away, ACCEPTED) as server:
        assert client.submit(settings_for(server.url), document).job_id == "8a1c"
    assert len(server.requests) == 3
    content = Path(document).read_bytes()
    assert all(content in request.body for request in server.requests)


def test_retry_after_is_waited_for(client: Httpx, document: str) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "17"}), ACCEPTED) as server:
        client.submit(settings_for(server.url), document)
    assert client.sleeps == [17]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Answer(429), RateLimited), (Answer(503, HTML, {"Retry-After": "0"}), ApiOverloaded)],
)
def test_a_server_that_keeps_turning_away_is_believed_in_the_end(
    client: Httpx, document: str, answer: Answer, kind: type[ClassifyError], caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(answer) as server:
        assert type(failure(client.submit, settings_for(server.url), document, caplog=caplog)) is kind
    assert len(server.requests) == 5
    assert client.sleeps == [1, 2, 4, 8]


def test_a_submit_does_not_wait_for_a_server_that_asks_for_an_hour(
    client: Httpx, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "3600"})) as server:
        error = failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert error.retry_after == 300
    assert client.sleeps == []
    assert len(server.requests) == 1


def test_a_look_is_never_repeated_by_the_client(client: Httpx, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(Answer(429, b"", {"Retry-After": "7"}), PROCESSING) as server:
        error = failure(client.get, settings_for(server.url), "8a1c", caplog=caplog)
    assert (type(error), error.retry_after) == (RateLimited, 7)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Fault.HANG_UP, Fault.BREAK_OFF])
def test_a_submit_whose_connection_broke_is_not_sent_again(
    client: Httpx, document: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(fault) as server:
        error = failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert type(error) is ApiConnectionLost
    assert document in str(error)
    assert "'docs'" in str(error)
    assert len(server.requests) == 1


HONOURS_KEYS = Answer(404, {"detail": "Job not found"}, {"Idempotency-Key-Honoured": "true"})
FAILURES = [
    Fault.HANG_UP,
    Fault.BREAK_OFF,
    Answer(500, HTML),
    Answer(502, HTML),
    Answer(408),
    Answer(200, HTML),
    Answer(202, b'{"job_id": "8a1c", '),
]


@pytest.mark.parametrize("failed", FAILURES)
def test_a_submit_in_doubt_is_sent_again_with_its_key_where_the_server_honours_it(
    client: Httpx, document: str, failed: Answer | Fault
) -> None:
    # The server is not back at once, and the next submit fails midway too.
    with scripted_server(failed, Answer(502, HTML), HONOURS_KEYS, failed, ACCEPTED) as server:
        submission = client.submit(settings_for(server.url), document, idempotency_key="key-7")
    assert submission.job_id == "8a1c"
    submits = [request for request in server.requests if request.method == "POST"]
    assert [request.headers["Idempotency-Key"] for request in submits] == ["key-7"] * 3
    content = Path(document).read_bytes()
    assert all(content in request.body for request in submits)


@pytest.mark.parametrize("failed", FAILURES)
@pytest.mark.parametrize(
    "asked", [Answer(404, {"detail": "Job not found"}), Answer(401, b""), Answer(502, HTML), Answer(200, HTML)]
)
def test_a_submit_in_doubt_is_not_sent_again_where_the_server_does_not_say_so(
    client: Httpx, document: str, failed: Answer | Fault, asked: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(failed, asked) as server:
        error = failure(client.submit, settings_for(server.url), document, CATEGORIES, "key-7", caplog=caplog)
    assert isinstance(error, (ApiUnavailable, InvalidReply))
    assert document in str(error)
    assert [request.method for request in server.requests].count("POST") == 1


def test_without_a_key_nobody_is_asked_whether_keys_are_honoured(
    client: Httpx, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Fault.HANG_UP, HONOURS_KEYS, ACCEPTED) as server:
        failure(client.submit, settings_for(server.url), document, caplog=caplog)
    assert [request.method for request in server.requests] == ["POST"]
    assert "Idempotency-Key" not in server.requests[0].headers


def test_a_refused_connection_is_tried_again(client: Httpx, document: str) -> None:
    with scripted_server(ACCEPTED, listening=False) as server:
        client.on_sleep = server.listen
        assert client.submit(settings_for(server.url), document).job_id == "8a1c"
    assert len(server.requests) == 1
    assert client.sleeps == [1]
