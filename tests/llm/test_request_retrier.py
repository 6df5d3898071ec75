from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    RateLimited,
)
from airflow_provider_classify.llm.request_retrier import ATTEMPTS, LONGEST_PAUSE, LOST_ATTEMPTS, RequestRetrier


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def retrier(self) -> RequestRetrier:
        return RequestRetrier(clock=lambda: self.now, sleep=self.sleep, chance=lambda: 1.0)


def scripted(*outcomes: Any) -> Callable[[], Any]:
    left = list(outcomes)

    def request() -> Any:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    request.left = left  # type: ignore[attr-defined]
    return request


def test_a_request_that_succeeds_is_sent_at_once() -> None:
    clock = Clock()
    assert clock.retrier().send(scripted("reply")) == "reply"
    assert clock.pauses == []


def test_the_pause_that_the_provider_asks_for_is_kept() -> None:
    clock = Clock()
    assert clock.retrier().send(scripted(RateLimited("slow down", retry_after=7.0), "reply")) == "reply"
    assert sum(clock.pauses) == pytest.approx(7.0)


def test_pauses_after_failures_grow() -> None:
    clock = Clock()
    failures = [ApiUnavailable("down") for _ in range(3)]
    assert clock.retrier().send(scripted(*failures, "reply")) == "reply"
    assert clock.pauses == sorted(clock.pauses)
    assert len(clock.pauses) == 3


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (ApiUnavailable("down"), ATTEMPTS),
        (RateLimited("slow down"), ATTEMPTS),
        (ApiConnectionLost("broken"), LOST_ATTEMPTS),
        (RateLimited("tomorrow", retry_after=LONGEST_PAUSE + 1), 1),
        (AuthenticationRejected("wrong key"), 1),
    ],
)
def test_an_error_that_stays_is_raised_after_some_attempts(error: ClassifyError, attempts: int) -> None:
    request = scripted(*[error] * 10)
    with pytest.raises(type(error)):
        Clock().retrier().send(request)
    assert len(request.left) == 10 - attempts  # type: ignore[attr-defined]


def test_the_next_request_waits_too() -> None:
    clock = Clock()
    retrier = clock.retrier()
    with pytest.raises(RateLimited):
        retrier.send(scripted(RateLimited("later", retry_after=LONGEST_PAUSE + 1)))
    retrier.send(scripted("reply"))
    assert sum(clock.pauses) == pytest.approx(LONGEST_PAUSE + 1)


def test_after_giving_up_nothing_is_sent_again() -> None:
    clock = Clock()
    retrier = clock.retrier()
    retrier.give_up()
    request = scripted(ApiUnavailable("down"), "reply")
    with pytest.raises(ApiUnavailable):
        retrier.send(request)
    assert request.left == ["reply"]  # type: ignore[attr-defined]
    assert clock.pauses == []
