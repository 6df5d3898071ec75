"""The places in the queue, which are counted between two counts of the record."""

from __future__ import annotations

import pytest

from airflow_provider_classify.job_record.work_queue import Waiting
from airflow_provider_classify.service.places import COUNT_SECONDS, Places

NONE = Waiting(0, 0, 0)
ONE = Waiting(1, 0, 10)


class Record:
    """A record with jobs that wait, which counts how often it is counted."""

    def __init__(self) -> None:
        self.waiting = NONE
        self.counts = 0
        self.clock = 100.0

    def count(self) -> Waiting:
        self.counts += 1
        return self.waiting


class Full(Exception):
    """There is no place."""


def refusal(waiting: Waiting) -> Full | None:
    return Full() if waiting.jobs >= 3 else None


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def places(record: Record) -> Places:
    return Places(record.count, clock=lambda: record.clock)


def add(places: Places, record: Record) -> None:
    places.take(ONE, refusal)
    record.waiting += ONE
    places.record(ONE)


def test_one_count_serves_the_submits_that_follow_soon(record: Record, places: Places) -> None:
    add(places, record)
    add(places, record)
    assert record.counts == 1
    record.clock += COUNT_SECONDS + 0.1
    add(places, record)
    assert record.counts == 2


def test_the_jobs_of_this_process_are_never_overlooked(record: Record, places: Places) -> None:
    for _ in range(3):
        add(places, record)
    with pytest.raises(Full):
        places.take(ONE, refusal)


def test_no_submit_is_refused_because_of_an_old_count(record: Record, places: Places) -> None:
    for _ in range(3):
        add(places, record)
    assert not places.is_known_free(refusal)
    record.waiting = ONE  # a worker has claimed two
    record.clock += 0.01
    places.check(refusal)
    assert places.is_known_free(refusal)
    add(places, record)


def test_a_place_without_a_job_is_free_again(record: Record, places: Places) -> None:
    for _ in range(3):
        places.take(ONE, refusal)
    with pytest.raises(Full):
        places.check(refusal)
    places.give_back(ONE)
    places.check(refusal)


def test_a_job_that_is_recorded_during_a_count_is_counted(record: Record) -> None:
    during: list[Waiting] = []

    def count() -> Waiting:
        for job in during:
            places.record(job)
        return NONE

    places = Places(count, clock=lambda: record.clock)
    for _ in range(3):
        places.take(ONE, refusal)
    during += [ONE, ONE, ONE]
    record.clock += COUNT_SECONDS + 0.1
    with pytest.raises(Full):
        places.take(ONE, refusal)


def test_nothing_is_known_before_the_first_count(places: Places) -> None:
    assert not places.is_known_free(refusal)
