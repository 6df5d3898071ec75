"""What a trigger's event carries, through the database and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    ClassifyError,
    ConnectionNotUsable,
    JobFailed,
    JobNotFound,
    JobTimedOut,
)
from airflow_provider_classify.model import events
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import Ended, GaveUp


def through_the_database(event: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(event))


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_an_event_of_a_job_that_ended_brings_its_id(status: JobStatus) -> None:
    event = through_the_database(events.encode_job("8a1c", Ended(status)))
    assert event == {"job_id": "8a1c", "status": status.value}
    assert events.decode_job(event) == "8a1c"


@pytest.mark.parametrize("kind", [JobTimedOut, AuthenticationRejected, JobNotFound])
def test_an_event_of_a_wait_given_up_is_raised_as_the_kind_it_was(kind: type[ClassifyError]) -> None:
    event = through_the_database(events.encode_job("8a1c", GaveUp(kind("The job 8a1c is gone."))))
    with pytest.raises(ClassifyError, match=r"^The job 8a1c is gone\.$") as raised:
        events.decode_job(event)
    assert raised.type is kind


def test_an_event_has_only_small_words() -> None:
    for end in (Ended(JobStatus.COMPLETED), GaveUp(JobTimedOut("late"))):
        event = events.encode_job("8a1c", end)
        assert set(event) <= {"job_id", "status", "error_kind", "message"}
        assert all(isinstance(value, str) for value in event.values())


@pytest.mark.parametrize("event", [None, {}, {"status": "completed"}])
def test_a_task_resumed_without_the_event_says_so(event: dict[str, Any] | None) -> None:
    with pytest.raises(JobFailed, match="without the trigger's event"):
        events.decode_job(event)


def test_the_event_of_a_batch_counts_its_jobs_and_raises_nothing() -> None:
    event = through_the_database(events.encode_batch(jobs=3, ended=2))
    assert event == {"status": "ended", "jobs": 3, "ended": 2}
    events.raise_given_up(event)
    events.raise_given_up(None)


def test_a_batch_given_up_is_raised_as_the_kind_it_was() -> None:
    event = through_the_database(events.encode_error(ConnectionNotUsable("The connection 'docs' has no host.")))
    with pytest.raises(ConnectionNotUsable, match="'docs' has no host"):
        events.raise_given_up(event)
