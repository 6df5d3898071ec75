from __future__ import annotations

import pytest

from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentCorrupt,
    DocumentEncrypted,
    InvalidReply,
    JobFailed,
    JobNotFound,
    JobRecordUnavailable,
    JobTimedOut,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.polling import (
    Ended,
    GaveUp,
    LookAgain,
    Next,
    Wait,
    after,
    answer,
    first_pause,
    pause,
)
from airflow_provider_classify.model.result import ClassificationResult, PageResult

BEGAN = 1_700_000_000.0
WAIT = Wait("8a1c", since=BEGAN, deadline=BEGAN + 300)
PROCESSING = JobStatus.PROCESSING
RESULT = ClassificationResult(
    success=True,
    classification="contract",
    confidence=0.75,
    total_pages=1,
    processed_pages=1,
    page_results=(PageResult(1, True, "contract", 0.75),),
)
COMPLETED = Job("8a1c", JobStatus.COMPLETED, result=RESULT)
FAILED = Job("8a1c", JobStatus.FAILED, error="The file is corrupt.")
#: The chance that leaves a pause as it is.
NO_JITTER = 0.0


def look(seen: JobStatus | ClassifyError, age: float, chance: float = NO_JITTER, wait: Wait = WAIT) -> Next:
    return after(wait, seen, now=wait.since + age, chance=chance)


# --- pauses -------------------------------------------------------------------------------


def test_looks_follow_the_apis_advice() -> None:
    age, pauses = 0.0, []
    for _ in range(9):
        pauses.append(pause(age))
        age += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]


@pytest.mark.parametrize(("age", "seconds"), [(0, 1), (0.5, 1.5), (28, 29), (29, 30), (10_000, 30)])
def test_a_pause_grows_with_the_age_of_the_wait_to_thirty_seconds(age: float, seconds: float) -> None:
    assert pause(age) == seconds


def test_a_clock_that_was_set_back_gives_the_shortest_pause() -> None:
    assert pause(-3600) == 1


@pytest.mark.parametrize("age", [0.0, 7.0, 91.0])
def test_jitter_shortens_a_pause_by_up_to_a_tenth(age: float) -> None:
    plain = pause(age)
    assert look(PROCESSING, age, chance=NO_JITTER) == LookAgain(plain)
    assert look(PROCESSING, age, chance=0.5) == LookAgain(plain * 0.95)
    assert look(PROCESSING, age, chance=1.0) == LookAgain(plain * 0.9)


def test_the_longest_pause_is_the_users() -> None:
    wait = Wait("8a1c", since=BEGAN, deadline=BEGAN + 300, longest_pause=5)
    assert [look(PROCESSING, age, wait=wait) for age in (0, 3, 4, 90)] == [LookAgain(s) for s in (1, 4, 5, 5)]


def test_after_a_restart_the_wait_goes_on_where_it_was() -> None:
    assert look(PROCESSING, 100) == LookAgain(30)


@pytest.mark.parametrize(
    ("age", "chance", "seconds"),
    [(0, NO_JITTER, 1), (0, 1.0, 0.9), (0.3, NO_JITTER, 0.7), (1, NO_JITTER, 0), (200, NO_JITTER, 0), (-60, 0.0, 1)],
)
def test_a_wait_that_has_just_begun_looks_a_second_later(age: float, chance: float, seconds: float) -> None:
    assert first_pause(WAIT, now=BEGAN + age, chance=chance) == pytest.approx(seconds, abs=1e-6)


def test_the_first_look_does_not_fall_after_the_deadline() -> None:
    assert first_pause(Wait("8a1c", since=BEGAN, deadline=BEGAN + 0.25), now=BEGAN, chance=NO_JITTER) == 0.25
    assert first_pause(Wait("8a1c", since=BEGAN, deadline=BEGAN - 1), now=BEGAN, chance=NO_JITTER) == 0


# --- what was seen ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_a_job_under_way_is_looked_at_again(status: JobStatus) -> None:
    assert look(status, 0) == LookAgain(1)


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
@pytest.mark.parametrize("age", [0, 299.9, 300, 4000])
def test_a_job_that_ended_ends_the_wait_even_after_the_deadline(status: JobStatus, age: float) -> None:
    assert look(status, age) == Ended(status)


@pytest.mark.parametrize(
    "error",
    [
        ApiUnavailable("502"),
        ApiNotReached("refused"),
        ApiConnectionLost("reset"),
        ApiOverloaded("queue full"),
        RateLimited("slow down"),
        InvalidReply("HTML"),
        JobRecordUnavailable("locked"),
    ],
)
def test_an_error_that_may_pass_is_waited_out(error: ClassifyError) -> None:
    assert look(error, 3) == LookAgain(4)


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationRejected("401"),
        JobNotFound("404"),
        QuotaExceeded("402"),
        RequestRejected("400"),
    ],
)
def test_an_error_that_stays_ends_the_wait_at_once(error: ClassifyError) -> None:
    assert look(error, 3) == GaveUp(error)


# --- Retry-After --------------------------------------------------------------------------


def test_a_longer_pause_that_the_server_asks_for_is_obeyed_to_the_second() -> None:
    for chance in (0.0, 0.5, 1.0):
        assert look(RateLimited("slow down", retry_after=45), 0, chance) == LookAgain(45)


def test_a_shorter_pause_that_the_server_asks_for_changes_nothing() -> None:
    assert look(RateLimited("slow down", retry_after=0), 91) == LookAgain(30)


def test_a_server_that_asks_to_wait_beyond_the_deadline_is_not_asked_before() -> None:
    step = look(ApiOverloaded("The queue is full.", retry_after=61), 240)
    assert isinstance(step, GaveUp)
    assert type(step.error) is JobTimedOut
    assert "The queue is full." in str(step.error)
    assert look(ApiOverloaded("The queue is full.", retry_after=60), 240) == LookAgain(60)


# --- the deadline -------------------------------------------------------------------------


def test_the_last_look_falls_on_the_deadline() -> None:
    assert look(PROCESSING, 290) == LookAgain(10)
    assert look(PROCESSING, 299.5, chance=1.0) == LookAgain(0.5)


@pytest.mark.parametrize("age", [300, 301, 100_000])
def test_at_the_deadline_a_job_under_way_is_given_up(age: float) -> None:
    step = look(PROCESSING, age)
    assert isinstance(step, GaveUp)
    assert type(step.error) is JobTimedOut
    assert step.error.retryable
    assert "8a1c" in str(step.error)
    assert "300 s" in str(step.error)
    assert "2023-11-14T22:18:20+00:00" in str(step.error)
    assert "processing" in str(step.error)


def test_at_the_deadline_the_last_error_is_told() -> None:
    step = look(ApiUnavailable("The classify API failed with HTTP 502."), 300)
    assert isinstance(step, GaveUp)
    assert "The classify API failed with HTTP 502." in str(step.error)


def test_every_wait_comes_to_its_end() -> None:
    for chance in (NO_JITTER, 0.5, 1.0):
        age, looks = 0.0, 0
        while isinstance(step := look(PROCESSING, age, chance), LookAgain):
            assert 0 < step.seconds <= 30
            age += step.seconds
            looks += 1
        assert age == pytest.approx(300)
        assert 10 < looks < 25


# --- answers ------------------------------------------------------------------------------


def test_the_answer_of_a_completed_job_is_its_result() -> None:
    assert answer(COMPLETED) is RESULT


def test_a_failed_job_of_an_api_is_raised_with_its_words() -> None:
    with pytest.raises(JobFailed, match=r"Job 8a1c for scan\.pdf failed: The file is corrupt\."):
        answer(FAILED, "scan.pdf")


def test_a_failed_job_names_its_document_once() -> None:
    error = "The document '/in/scan.pdf' is damaged: none of its pages can be read; fetch it again."
    job = Job("8a1c", JobStatus.FAILED, error=error, error_kind="DocumentCorrupt")
    with pytest.raises(DocumentCorrupt) as raised:
        answer(job, "/in/scan.pdf")
    assert str(raised.value) == f"Job 8a1c failed: {error}"
    with pytest.raises(DocumentCorrupt, match=r"^Job 8a1c for scan\.pdf failed: The document '/in/scan\.pdf'"):
        answer(job, "scan.pdf")


def test_a_failed_job_of_the_local_engine_is_raised_as_the_kind_it_was() -> None:
    job = Job("8a1c", JobStatus.FAILED, error="It asks for a password.", error_kind="DocumentEncrypted")
    with pytest.raises(DocumentEncrypted, match=r"8a1c.*password"):
        answer(job)


def test_a_job_without_one_page_classified_is_a_failure_that_tells_the_pages() -> None:
    pages = (PageResult(1, False, None, 0.0, error="dark"), PageResult(2, False, None, 0.0, error="blank"))
    nothing = ClassificationResult(False, None, 0.0, 2, 2, pages)
    with pytest.raises(JobFailed, match=r"8a1c for scan\.pdf.*page 1: dark; page 2: blank"):
        answer(Job("8a1c", JobStatus.COMPLETED, result=nothing), "scan.pdf")


def test_an_image_that_was_not_classified_is_a_failure_too() -> None:
    nothing = ClassificationResult(False, None, 0.0, 1, 1)
    with pytest.raises(JobFailed, match=r"8a1c.*no reason given"):
        answer(Job("8a1c", JobStatus.COMPLETED, result=nothing))


@pytest.mark.parametrize("names", [None, ["contract"], ("letter", "contract")])
def test_an_answer_that_was_asked_for_passes(names: list[str] | None) -> None:
    assert answer(COMPLETED, "scan.pdf", names) is RESULT


@pytest.mark.parametrize("names", [[], ["letter"], ["Contract"]])
def test_an_answer_that_was_not_asked_for_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidReply, match=r"Job 8a1c for scan\.pdf completed as 'contract'"):
        answer(COMPLETED, "scan.pdf", names)


def test_a_page_that_was_not_asked_for_is_refused_too() -> None:
    pages = (PageResult(1, True, "contract", 0.75), PageResult(2, True, "\x1b[31m" + "x" * 1000, 0.5))
    lie = ClassificationResult(True, "contract", 0.75, 2, 2, pages)
    with pytest.raises(InvalidReply) as raised:
        answer(Job("8a1c", JobStatus.COMPLETED, result=lie), None, ["contract"])
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


def test_of_many_failed_pages_a_few_are_told() -> None:
    pages = tuple(PageResult(number, False, None, 0.0, error="dark") for number in range(1, 1001))
    with pytest.raises(JobFailed, match="page 5: dark; and 995 more pages"):
        answer(Job("8a1c", JobStatus.COMPLETED, result=ClassificationResult(False, None, 0.0, 1000, 1000, pages)))
