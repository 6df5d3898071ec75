"""Every row of the contract's table of errors, fed to the reading side of the client."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_classify.api import errors, replies, requests, resubmit
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiError,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentTooLarge,
    InvalidJobId,
    InvalidReply,
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus

KEY = "sk-recognisable-4711"
SETTINGS = ApiSettings("docs", "https://api.example.com", KEY)
JOB = {"job_id": "8a1c", "status": "processing", "progress": "Starting classification..."}
RESULT = {"success": True, "classification": "a", "confidence": 0.5, "total_pages": 1, "processed_pages": 1}
DONE = {"job_id": "8a1c", "status": "completed", "progress": "Classification completed", "result": RESULT}
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


def body_of(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def reply(status: int, content: object = b"", headers: dict[str, str] | None = None) -> replies.Reply:
    return replies.Reply(status, headers or {}, body_of(content))


def read_job(status: int, content: object = b"", headers: dict[str, str] | None = None) -> Job:
    answer = reply(status, content, headers)
    return replies.read_job(answer, job_id="8a1c", what="job 8a1c", settings=SETTINGS)


def read_status(status: int, content: object) -> JobStatus:
    return replies.read_status(reply(status, content), job_id="8a1c", what="job 8a1c", settings=SETTINGS)


def job_error(status: int, content: object = b"", headers: dict[str, str] | None = None) -> ClassifyError:
    with pytest.raises(ClassifyError) as raised:
        read_job(status, content, headers)
    return raised.value


def submit_error(status: int, content: object = b"", headers: dict[str, str] | None = None) -> ClassifyError:
    with pytest.raises(ClassifyError) as raised:
        replies.read_submission(reply(status, content, headers), what="the document scan.pdf", settings=SETTINGS)
    return raised.value


# --- good replies -------------------------------------------------------------------------


def test_a_job() -> None:
    job = read_job(200, JOB)
    assert (job.job_id, job.status) == ("8a1c", JobStatus.PROCESSING)


def test_where_a_job_stands() -> None:
    for status in JobStatus:
        assert read_status(200, JOB | {"status": status}) is status


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [(200, {"status": "lost"}, InvalidReply), (200, {}, InvalidReply), (404, {"detail": "Not found"}, JobNotFound)],
)
def test_where_a_job_stands_is_not_said(status: int, content: object, kind: type[ClassifyError]) -> None:
    with pytest.raises(kind, match="8a1c"):
        read_status(status, content)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_submission(status: int) -> None:
    submission = replies.read_submission(reply(status, JOB), what="the document scan.pdf", settings=SETTINGS)
    assert submission.job_id == "8a1c"


def test_a_reply_about_another_job_is_refused() -> None:
    other = JOB | {"job_id": "8a1d"}
    for read in (read_job, read_status, read_cancelled):
        with pytest.raises(InvalidReply, match=r"job 8a1c with the job '8a1d'.*'docs'"):
            read(200, other)


@pytest.mark.parametrize(
    "planted", ["NaN", "1e999", '"\\ud800"', "9" * 40, "[" * 5000 + "]" * 5000, '{"a": 1, "a": 1}']
)
@pytest.mark.parametrize("key", ["trace", "result"])
def test_what_cannot_be_stored_is_refused_anywhere_in_a_reply(planted: str, key: str) -> None:
    text = json.dumps(DONE | {"new": {"x": 1}, "result": RESULT | {"more": 1}})
    body = (
        text.replace('"x": 1', f'"x": {planted}') if key == "trace" else text.replace('"more": 1', f'"more": {planted}')
    )
    assert planted in body
    with pytest.raises(InvalidReply):
        read_job(200, body.encode())
    with pytest.raises(InvalidReply):
        replies.read_submission(reply(202, body.encode()), what="the document scan.pdf", settings=SETTINGS)


def test_a_large_reply_to_a_look_is_read_as_strictly() -> None:
    bomb = json.dumps(JOB).encode()[:-1] + b', "x": [' + b"[]," * 500_000 + b"[]]}"
    with pytest.raises(InvalidReply):
        read_status(200, bomb)


FORGED = "\x1b[2Jfine\r\nINFO - forged line\u202e"


def test_words_of_a_server_are_on_one_line() -> None:
    error = job_error(400, {"detail": FORGED})
    assert "\\x1b[2Jfine\\r\\nINFO" in str(error)
    for broken in (
        JOB | {"status": FORGED},
        JOB | {"job_id": FORGED},
        {"detail": [FORGED]},
        {"error": {"message": FORGED}},
    ):
        for status in (200, 404, 500):
            assert str(job_error(status, broken)).isprintable()


def test_words_in_a_job_are_on_one_line_and_cut() -> None:
    said = FORGED + KEY + "x" * 1_000_000
    failed = read_job(200, JOB | {"status": "failed", "error": said, "progress": said})
    pages = [{"page": 1, "success": False, "error": said}]
    done = read_job(200, DONE | {"result": RESULT | {"success": False, "page_results": pages}})
    assert done.result is not None
    for words in (failed.error, failed.progress, done.result.page_results[0].error):
        assert words is not None
        assert words.isprintable()
        assert KEY not in words
        assert len(words) <= 2000


# --- the table of errors ------------------------------------------------------------------

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
        (429, b"Too Many Requests", RateLimited, True, "no valid JSON"),
        (500, {"detail": "Internal error"}, ApiUnavailable, True, "Internal error"),
        (500, b'{"detail": "Inter', ApiUnavailable, True, "no valid JSON"),
        (500, b"\xff\xfe\x00", ApiUnavailable, True, "no valid JSON"),
        (500, b"[" * 100_000, ApiUnavailable, True, "no valid JSON"),
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


# --- Retry-After --------------------------------------------------------------------------


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


# --- whether a submit is sent again -------------------------------------------------------


@pytest.mark.parametrize("error", [ApiNotReached("x"), RateLimited("x"), ApiOverloaded("x")])
def test_a_submit_that_surely_was_not_taken_is_sent_again_with_growing_pauses(error: ClassifyError) -> None:
    pauses = [resubmit.pause_before_resubmit(error, attempt) for attempt in range(1, 7)]
    assert pauses == [1, 2, 4, 8, None, None]


@pytest.mark.parametrize(
    "error",
    [
        ApiConnectionLost("x"),
        ApiUnavailable("x"),
        ApiUnavailable("x", retry_after=1),
        InvalidReply("x"),
        AuthenticationRejected("x"),
        QuotaExceeded("x"),
        RequestRejected("x"),
        DocumentTooLarge("x"),
    ],
)
def test_a_submit_that_may_have_been_taken_is_not_sent_again(error: ClassifyError) -> None:
    assert resubmit.pause_before_resubmit(error, 1) is None


def test_the_server_says_when_a_submit_is_sent_again() -> None:
    assert resubmit.pause_before_resubmit(RateLimited("x", retry_after=30), 1) == 30
    assert resubmit.pause_before_resubmit(RateLimited("x", retry_after=60), 1) == 60
    assert resubmit.pause_before_resubmit(RateLimited("x", retry_after=0), 3) == 4


def test_a_worker_is_not_held_for_longer_than_a_minute() -> None:
    assert resubmit.pause_before_resubmit(ApiOverloaded("x", retry_after=61), 1) is None


@pytest.mark.parametrize(
    "error",
    [
        ApiNotReached("x"),
        RateLimited("x"),
        ApiOverloaded("x"),
        ApiConnectionLost("x"),
        ApiUnavailable("x"),
        InvalidReply("x"),
    ],
)
def test_what_does_no_harm_twice_is_sent_again_after_every_failure_that_passes(error: ClassifyError) -> None:
    pauses = [resubmit.pause_before_resubmit(error, attempt, repeatable=True) for attempt in range(1, 6)]
    assert pauses == [1, 2, 4, 8, None]


@pytest.mark.parametrize("error", [AuthenticationRejected("x"), RequestRejected("x")])
def test_what_does_no_harm_twice_is_not_sent_again_after_the_others(error: ClassifyError) -> None:
    assert resubmit.pause_before_resubmit(error, 1, repeatable=True) is None


@pytest.mark.parametrize(
    ("error", "taken"),
    [
        (ApiConnectionLost("x"), True),
        (ApiUnavailable("x"), True),
        (InvalidReply("x"), True),
        (ApiNotReached("x"), False),
        (ApiOverloaded("x"), False),
        (RateLimited("x"), False),
        (AuthenticationRejected("x"), False),
        (DocumentTooLarge("x"), False),
    ],
)
def test_which_failures_leave_open_whether_there_is_a_job(error: ClassifyError, taken: bool) -> None:
    assert resubmit.may_have_been_taken(error) is taken


# --- idempotency keys and cancelling --------------------------------------------------------


def submit_request(reference: str = "/in/scan.pdf", *, key: str | None = None) -> requests.Request:
    categories = [Category("invoice"), Category("Straße", "a street")]
    return requests.submit_request(SETTINGS, Document(reference), categories, key)


def test_a_submit_carries_its_key() -> None:
    assert submit_request(key="k").headers == {"Idempotency-Key": "k"}
    assert submit_request().headers == {}


def honours_keys(status: int, reply_headers: dict[str, str], body: bytes = b'{"detail": "Job not found"}') -> bool:
    return replies.read_honours_keys(reply(status, body, reply_headers), what="the question", settings=SETTINGS)


@pytest.mark.parametrize(
    ("reply_headers", "honours"),
    [
        ({"Idempotency-Key-Honoured": "true"}, True),
        ({"idempotency-key-honoured": "true"}, True),
        ({"Idempotency-Key-Honoured": "false"}, False),
        ({"Idempotency-Key": "k"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("status", [401, 404])
def test_only_a_server_that_says_so_honours_keys(status: int, reply_headers: dict[str, str], honours: bool) -> None:
    assert honours_keys(status, reply_headers) is honours


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_server_that_fails_has_not_said_whether_it_honours_keys(status: int) -> None:
    with pytest.raises(ApiError):
        honours_keys(status, {})


def test_a_page_of_something_else_does_not_say_whether_the_server_honours_keys() -> None:
    with pytest.raises(InvalidReply):
        honours_keys(200, {}, HTML)


def read_cancelled(status: int, content: object) -> Job | None:
    return replies.read_cancelled(reply(status, content), job_id="8a1c", what="job 8a1c", settings=SETTINGS)


def test_a_cancelled_job_is_read_as_it_is_now() -> None:
    failed = {"job_id": "8a1c", "status": "failed", "error": "cancelled", "error_kind": "JobCancelled"}
    job = read_cancelled(200, failed)
    assert job is not None
    assert (job.status, job.error_kind) == (JobStatus.FAILED, "JobCancelled")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_a_cancel_or_without_the_job_is_no_error(status: int) -> None:
    assert read_cancelled(status, HTML) is None


def test_a_cancel_can_be_refused() -> None:
    with pytest.raises(AuthenticationRejected):
        read_cancelled(401, HTML)


# --- the key ------------------------------------------------------------------------------

ECHOES = [
    {"detail": f"Invalid key {KEY}"},
    {"detail": [{"msg": f"bad header {KEY}"}]},
    {"detail": [f"bad header {KEY}"]},
    {"detail": {"message": f"no credit for {KEY}"}},
    {"detail": "x" * 290 + KEY},
    {"error": {"message": KEY}},
    f"key: {KEY}".encode(),
    f"<html>{KEY}</html>".encode(),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 413, 422, 429, 500, 503])
def test_a_key_that_the_server_echoes_is_in_no_message(status: int, echo: object) -> None:
    for error in (job_error(status, echo), submit_error(status, echo)):
        assert KEY[:8] not in str(error)


def test_a_key_in_place_of_a_field_is_in_no_message_and_no_cause() -> None:
    error = job_error(200, JOB | {"status": KEY})
    assert "***" in str(error)
    assert KEY not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_key_in_the_error_of_a_job_is_not_passed_on() -> None:
    failed = {"job_id": "8a1c", "status": "failed", "error": f"upstream refused {KEY}"}
    job = read_job(200, failed)
    assert job.error == "upstream refused ***"


def test_long_words_of_a_server_are_cut() -> None:
    assert len(str(job_error(500, {"detail": "long " * 1000}))) < 500


@pytest.mark.parametrize("make", [errors.not_reached, errors.connection_lost])
def test_an_error_of_the_network_names_the_host_and_the_work(make: Any) -> None:
    words = str(make(OSError(KEY), what="job 8a1c", settings=SETTINGS))
    assert "https://api.example.com" in words
    assert "job 8a1c" in words
    assert "'docs'" in words
    assert KEY not in words


# --- requests -----------------------------------------------------------------------------


def test_the_key_is_a_header_where_there_is_one() -> None:
    assert requests.headers(SETTINGS)["api-key"] == KEY
    assert "api-key" not in requests.headers(ApiSettings("docs", "http://localhost:8600"))


def test_the_form_of_a_submit() -> None:
    form = submit_request().form
    assert form is not None
    assert set(form) == {"categories"}
    assert json.loads(form["categories"]) == [{"name": "invoice"}, {"name": "Straße", "description": "a street"}]
    of_url = submit_request("https://x.org/a.pdf?sig=1")
    assert of_url.form == form | {"file_url": "https://x.org/a.pdf?sig=1"}
    assert (submit_request().document, of_url.document) == (Document("/in/scan.pdf"), None)


@pytest.mark.parametrize("job_id", ["8a1c-4f", "5eed0000-0000-4000-8000-000000000001", "job_7~a.b", "a" * 200])
def test_a_job_id_stands_in_the_path_as_it_is(job_id: str) -> None:
    assert requests.job_path(job_id) == f"/classify/{job_id}"


@pytest.mark.parametrize(
    "job_id",
    [".", "..", "...", "", " ", "a/b", "a\\b", "../admin?x=1#y", "a?b", "a#b", "%2e%2e", "a b", "é", "a\nb", "a\0b",
     "\ud800", "\x1b[31m", "a" * 201, None, 7, ["8a1c"]],
)  # fmt: skip
def test_what_is_not_a_job_id_reaches_no_route(job_id: Any) -> None:
    for ask in (
        lambda: requests.job_request(SETTINGS, job_id),
        lambda: requests.cancel_request(SETTINGS, job_id),
        lambda: requests.statuses_request(SETTINGS, ["8a1c", job_id]),
    ):
        with pytest.raises(InvalidJobId) as raised:
            ask()
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("reference", "name", "content_type"),
    [
        ("/in/scan 1.pdf", "scan 1.pdf", "application/pdf"),
        ("/in/Rechnung für Öl.PDF", "Rechnung für Öl.PDF", "application/pdf"),
        ('/in/a"b\\c\n.jpg', "a_b_c_.jpg", "image/jpeg"),
        ("/in/\udcff.png", "_.png", "image/png"),
        ("/in/scan", "scan", "application/octet-stream"),
    ],
)
def test_the_name_and_type_of_an_upload(reference: str, name: str, content_type: str) -> None:
    assert requests.file_name(Document(reference)) == name
    assert requests.content_type(Document(reference)) == content_type
