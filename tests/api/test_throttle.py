from __future__ import annotations

from airflow_provider_classify.api.errors import LONGEST_RETRY_AFTER
from airflow_provider_classify.api.throttle import LONGEST_FAILURE_PAUSE, Throttle
from airflow_provider_classify.exceptions import ApiNotReached, RateLimited

DOWN = ApiNotReached("refused")


def test_without_a_rate_requests_go_at_once():
    throttle = Throttle(rate=None)
    for _ in range(100):
        assert throttle.wait(5.0) == 0
        throttle.take(5.0)


def test_a_rate_spaces_requests():
    throttle, now = Throttle(rate=4), 100.0
    gone = []
    for _ in range(5):
        now += throttle.wait(now)
        throttle.take(now)
        gone.append(now)
    assert gone == [100, 100.25, 100.5, 100.75, 101]


def test_a_sleeper_that_wakes_late_costs_no_turn():
    throttle, now = Throttle(rate=1000), 100.0
    for _ in range(1000):
        if throttle.wait(now):
            now += throttle.wait(now) + 0.0015
        throttle.take(now)
    assert 0.99 <= now - 100 <= 1.01


def test_time_that_was_not_used_is_not_made_up_for():
    throttle = Throttle(rate=1)
    throttle.take(0.0)
    throttle.take(60.0)
    assert throttle.wait(60.0) == 1


def test_after_a_failure_one_request_at_a_time_tries_with_growing_pauses():
    throttle, now, pauses = Throttle(rate=None), 0.0, []
    for _ in range(7):
        throttle.take(now)
        throttle.failed(DOWN, sent_at=now, now=now, chance=1.0)
        pauses.append(throttle.wait(now))
        now += throttle.wait(now)
    assert pauses == [1, 2, 4, 8, LONGEST_FAILURE_PAUSE, LONGEST_FAILURE_PAUSE, LONGEST_FAILURE_PAUSE]

    throttle.take(now)
    assert throttle.wait(now) > 0, "while one tries, the others wait"
    throttle.answered()
    assert throttle.wait(now) == 0


def test_requests_that_were_under_way_together_count_as_one_failure():
    throttle = Throttle(rate=None)
    for _ in range(32):
        throttle.take(0.0)
    for _ in range(32):
        throttle.failed(DOWN, sent_at=0.0, now=0.1, chance=1.0)
    assert throttle.wait(0.1) == 1


def test_what_the_server_asks_for_holds_for_all():
    throttle = Throttle(rate=None)
    throttle.take(0.0)
    throttle.failed(RateLimited("slow down", retry_after=40), sent_at=0.0, now=0.0, chance=1.0)
    assert throttle.wait(0.0) == 40
    throttle.failed(RateLimited("slow down", retry_after=20), sent_at=0.0, now=1.0, chance=1.0)
    assert throttle.wait(1.0) == 39, "a shorter wait takes nothing back"


def test_chance_spreads_the_tries_of_several_processes():
    throttle = Throttle(rate=None)
    throttle.failed(DOWN, sent_at=0.0, now=0.0, chance=0.0)
    assert throttle.wait(0.0) == 0.75


def test_after_the_longest_retry_after_one_request_probes():
    throttle = Throttle(rate=None)
    throttle.take(0.0)
    throttle.failed(RateLimited("slow down", retry_after=LONGEST_RETRY_AFTER), sent_at=0.0, now=0.0, chance=1.0)
    assert throttle.wait(0.0) == LONGEST_RETRY_AFTER
    assert throttle.wait(LONGEST_RETRY_AFTER) == 0
    throttle.take(LONGEST_RETRY_AFTER)
    assert throttle.wait(LONGEST_RETRY_AFTER) > 0, "the others wait for the outcome of the one"
    throttle.answered()
    assert throttle.wait(LONGEST_RETRY_AFTER) == 0
