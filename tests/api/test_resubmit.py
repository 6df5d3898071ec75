"""The decision whether a request is sent again."""

from __future__ import annotations

import pytest

from airflow_provider_classify.api import resubmit
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentTooLarge,
    InvalidReply,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)


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
    assert resubmit.may_have_begun_job(error) is taken
