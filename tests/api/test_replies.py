"""What the client reads in replies, without HTTP."""

from __future__ import annotations

import json

import pytest

from airflow_provider_classify.api import replies
from airflow_provider_classify.exceptions import (
    ApiError,
    AuthenticationRejected,
    ClassifyError,
    InvalidReply,
    JobNotFound,
)
from airflow_provider_classify.model.job import Job, JobStatus
from tests.support.api_replies import (
    DONE,
    HTML,
    JOB,
    KEY,
    RESULT,
    SETTINGS,
    job_error,
    read_job,
    read_status,
    reply,
    submit_error,
)


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
