"""Each row of the contract's table of errors, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_classify.api import errors
from airflow_provider_classify.exceptions import (
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentTooLarge,
    InvalidReply,
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from tests.support.api_replies import HTML, JOB, KEY, SETTINGS, job_error, submit_error

QUOTA = {
    "detail": {
        "message": "Quota exceeded for this month",
        "status": "QUOTA_EXCEEDED",
        "quota_data": {"current": 500, "limit": 500, "remaining": 0},
    }
}
OVERLOADED = {
    "error": {
        "code": "service_unavailable",
        "message": "The queue is full",
        "details": {"reason": "queue_full", "retry_after": 5},
    }
}
LIST_DETAIL = {
    "detail": [
        {"loc": ["body", "categories"], "msg": "Field required", "type": "missing"},
        {"loc": ["body", "pdf_file"], "msg": "Not a file", "type": "value_error"},
    ]
}


@pytest.mark.parametrize(
    ("status", "content", "kind", "retryable", "said"),
    [
        (400, {"detail": "Either pdf_file or file_url must be provided"}, RequestRejected, False, "Either pdf_file"),
        (400, HTML, RequestRejected, False, "an HTML page"),
        (401, {"detail": "Invalid API key"}, AuthenticationRejected, False, "password"),
        (403, b"", AuthenticationRejected, False, "password"),
        (402, QUOTA, QuotaExceeded, False, "Quota exceeded for this month"),
        (402, {"detail": "Pay first"}, QuotaExceeded, False, "Pay first"),
        (405, {"detail": "Method Not Allowed"}, RequestRejected, False, "Method Not Allowed"),
        (408, b"", ApiUnavailable, True, "an empty body"),
        (413, {"detail": "File too large"}, DocumentTooLarge, False, "File too large"),
        (413, HTML, DocumentTooLarge, False, "split it"),
        (422, LIST_DETAIL, RequestRejected, False, "Field required; Not a file"),
        (422, {"detail": ["one", 2]}, RequestRejected, False, "one; 2"),
        (425, b"", ApiUnavailable, True, "425"),
        (429, {"detail": "Rate limit exceeded"}, RateLimited, True, "Rate limit exceeded"),
        (429, b"Too Many Requests", RateLimited, True, "invalid JSON"),
        (500, {"detail": "Internal error"}, ApiUnavailable, True, "Internal error"),
        (500, b'{"detail": "Inter', ApiUnavailable, True, "invalid JSON"),
        (500, b"\xff\xfe\x00", ApiUnavailable, True, "invalid JSON"),
        (500, b"[" * 100_000, ApiUnavailable, True, "invalid JSON"),
        (502, HTML, ApiUnavailable, True, "an HTML page"),
        (503, HTML, ApiUnavailable, True, "an HTML page"),
        (503, OVERLOADED, ApiOverloaded, True, "The queue is full"),
        (504, b"", ApiUnavailable, True, "an empty body"),
        (520, HTML, ApiUnavailable, True, "520"),
        (599, b"null", ApiUnavailable, True, "599"),
        (302, b"", RequestRejected, False, "302"),
        (304, b"", RequestRejected, False, "304"),
        (418, b"[]", RequestRejected, False, "418"),
    ],
)
def test_each_status_is_an_error_of_its_kind(
    status: int, content: object, kind: type[ClassifyError], retryable: bool, said: str
) -> None:
    for error, what in ((job_error(status, content), "job 8a1c"), (submit_error(status, content), "scan.pdf")):
        assert type(error) is kind
        assert error.retryable is retryable
        assert said in str(error)
        assert what in str(error)


@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_what_a_person_must_mend_names_the_connection(status: int) -> None:
    assert "'docs'" in str(submit_error(status, {"detail": "no"}))


@pytest.mark.parametrize("detail", ["Job not found", "Job expired"])
def test_an_unknown_job(detail: str) -> None:
    error = job_error(404, {"detail": detail})
    assert type(error) is JobNotFound
    assert "job 8a1c" in str(error)


@pytest.mark.parametrize("content", [HTML, b"", b"404 page not found", {"message": "no Route matched"}])
def test_a_404_of_a_host_that_is_no_classify_api_blames_the_host(content: object) -> None:
    error = job_error(404, content)
    assert type(error) is RequestRejected
    assert "host of the connection 'docs'" in str(error)


def test_a_404_to_a_submit_is_no_unknown_job() -> None:
    error = submit_error(404, {"detail": "Not Found"})
    assert type(error) is RequestRejected
    assert "host of the connection 'docs'" in str(error)


@pytest.mark.parametrize("content", [HTML, b"", b"   ", b'{"job_id": "8a1c", "sta', b"OK", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("error_of", [job_error, submit_error])
def test_a_good_status_with_a_body_that_is_no_json(content: bytes, error_of: Any) -> None:
    error = error_of(200, content)
    assert type(error) is InvalidReply
    assert "'docs'" in str(error)
    assert error.__cause__ is not None


@pytest.mark.parametrize("missing", ["job_id", "status"])
def test_a_reply_that_lacks_a_field_names_it_and_the_job_and_the_connection(missing: str) -> None:
    partial = {name: value for name, value in JOB.items() if name != missing}
    for error, what in ((job_error(200, partial), "job 8a1c"), (submit_error(202, partial), "scan.pdf")):
        assert type(error) is InvalidReply
        assert f"lacks '{missing}'" in str(error)
        assert what in str(error)
        assert "'docs'" in str(error)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("7", 7), (" 7 ", 7), ("1.5", 1.5), ("-3", 0)])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_the_wait_that_a_server_asks_for(status: int, value: str, seconds: float, name: str) -> None:
    assert job_error(status, b"", {name: value}).retry_after == seconds


def test_a_wait_until_a_date() -> None:
    now = datetime.now(UTC)
    later = job_error(503, b"", {"Retry-After": format_datetime(now + timedelta(seconds=200), usegmt=True)}).retry_after
    assert later == pytest.approx(200, abs=30)
    past = job_error(503, b"", {"Retry-After": format_datetime(now - timedelta(days=1), usegmt=True)}).retry_after
    assert past == 0


@pytest.mark.parametrize("value", ["301", "86400", "1e300", "Fri, 01 Jan 2999 00:00:00 GMT"])
def test_no_server_stops_a_connection_for_more_than_five_minutes(value: str) -> None:
    assert job_error(429, b"", {"Retry-After": value}).retry_after == 300
    assert job_error(503, {"error": {"details": {"retry_after": 86400}}}).retry_after == 300


@pytest.mark.parametrize(
    "value",
    ["", "soon", "nan", "inf", "1e999", "Mon, 99 Foo 2026", "Fri, 01 Jan 99999999999999999999 00:00:00 GMT", "5 s"],
)
def test_advice_that_makes_no_sense_is_no_advice(value: str) -> None:
    assert job_error(429, b"", {"Retry-After": value}).retry_after is None
    assert type(job_error(503, b"", {"Retry-After": value})) is ApiUnavailable


def test_a_503_can_say_in_its_body_how_long_to_wait() -> None:
    assert job_error(503, OVERLOADED).retry_after == 5
    assert job_error(503, OVERLOADED, {"Retry-After": "60"}).retry_after == 60


@pytest.mark.parametrize(
    "details", [None, [], "busy", {}, {"retry_after": None}, {"retry_after": [5]}, {"retry_after": 10**400}]
)
def test_a_503_whose_body_does_not_say_is_overloaded_all_the_same(details: object) -> None:
    error = job_error(503, {"error": {"code": "service_unavailable", "details": details}})
    assert type(error) is ApiOverloaded
    assert error.retry_after is None


def test_a_503_with_advice_is_a_request_turned_away() -> None:
    assert type(job_error(503, HTML, {"Retry-After": "30"})) is ApiOverloaded


def test_no_advice_is_none() -> None:
    assert job_error(429, {"detail": "slow down"}).retry_after is None


@pytest.mark.parametrize("make", [errors.not_reached, errors.connection_lost])
def test_an_error_of_the_network_names_the_host_and_the_work(make: Any) -> None:
    words = str(make(OSError(KEY), what="job 8a1c", settings=SETTINGS))
    assert "https://api.example.com" in words
    assert "job 8a1c" in words
    assert "'docs'" in words
    assert KEY not in words
