"""Which job a task has: the decision, and its attempt in a store."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_classify.exceptions import ApiNotReached, ClassifyError, JobNotFound, TaskStateUnavailable
from airflow_provider_classify.lifecycle import reattach
from airflow_provider_classify.lifecycle.reattach import Attempt, Reattach, Submit, decide
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.task_state import TaskState, UnreadableTaskState

UNANSWERED = Attempt("fingerprint", "key-1")
ANSWERED = Attempt("fingerprint", "key-1", "job-1")
A, B = Category("a"), Category("b", "description")


def job(status: JobStatus, success: bool = True) -> Job:
    completed = status is JobStatus.COMPLETED
    result = ClassificationResult(success, "a" if success else None, 0.9, 1, 1) if completed else None
    return Job("job-1", status, error="why" if status is JobStatus.FAILED else None, result=result)


def test_without_an_attempt_the_task_submits():
    step = decide(None, "fingerprint", None, "dag/task/run/-1")
    assert isinstance(step, Submit)
    assert step.attempt == Attempt("fingerprint", reattach.key_of("dag/task/run/-1", "fingerprint", 0))


@pytest.mark.parametrize(
    "seen",
    [job(JobStatus.QUEUED), job(JobStatus.PROCESSING), job(JobStatus.COMPLETED), ApiNotReached("down")],
)
def test_a_job_that_runs_or_is_done_is_taken_up_and_so_is_one_that_cannot_be_seen_now(seen: Job | ClassifyError):
    assert decide(ANSWERED, "fingerprint", seen, "address") == Reattach("job-1")


@pytest.mark.parametrize(
    "seen", [job(JobStatus.FAILED), job(JobStatus.COMPLETED, success=False), JobNotFound("expired")]
)
def test_after_a_job_that_failed_the_submit_is_a_new_attempt(seen: Job | ClassifyError):
    step = decide(ANSWERED, "fingerprint", seen, "address")
    assert isinstance(step, Submit)
    assert step.attempt == Attempt("fingerprint", reattach.key_of("address", "fingerprint", 1), failures=1)
    assert "job-1" in step.reason


def test_an_unanswered_attempt_is_sent_again_with_its_own_key():
    step = decide(UNANSWERED, "fingerprint", None, "address")
    assert isinstance(step, Submit)
    assert step.attempt == UNANSWERED


@pytest.mark.parametrize("last", [UNANSWERED, ANSWERED])
def test_an_attempt_with_another_fingerprint_is_not_taken_up(last: Attempt):
    assert reattach.job_to_look_at(last, "other") is None
    step = decide(last, "other", None, "address")
    assert isinstance(step, Submit)
    assert step.attempt == Attempt("other", reattach.key_of("address", "other", 0))


def test_only_a_job_of_the_same_fingerprint_is_looked_at():
    assert reattach.job_to_look_at(None, "fingerprint") is None
    assert reattach.job_to_look_at(UNANSWERED, "fingerprint") is None
    assert reattach.job_to_look_at(ANSWERED, "fingerprint") == "job-1"


def test_a_fingerprint_is_of_document_categories_and_classifier():
    fingerprints = [
        reattach.fingerprint("d", [A, B], "conn"),
        reattach.fingerprint("e", [A, B], "conn"),
        reattach.fingerprint("d", [B, A], "conn"),
        reattach.fingerprint("d", [A, Category("b")], "conn"),
        reattach.fingerprint("d", [A, Category("b", "description", ("example.pdf",))], "conn"),
        reattach.fingerprint("d", [A, B], "other"),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert reattach.fingerprint("d", [Category("a"), Category("b", "description")], "conn") == fingerprints[0]


def test_a_key_is_the_same_in_every_try_and_another_for_another_attempt():
    assert reattach.key_of("address", "fingerprint", 0) == reattach.key_of("address", "fingerprint", 0)
    others = [("other", "fingerprint", 0), ("address", "other", 0), ("address", "fingerprint", 1)]
    assert len({reattach.key_of(*attempt) for attempt in [("address", "fingerprint", 0), *others]}) == 4


@pytest.mark.parametrize("last", [UNANSWERED, ANSWERED])
def test_what_was_written_is_read(last: Attempt):
    store = TaskState()
    assert reattach.read(store, "t") is None
    reattach.write(store, last, "t")
    assert reattach.read(store, "t") == last


def test_a_store_that_cannot_be_read_is_not_an_empty_one():
    with pytest.raises(TaskStateUnavailable, match=r"task t .*may already have a job") as failure:
        reattach.read(UnreadableTaskState(), "t")
    assert failure.value.retryable
    assert isinstance(failure.value.__cause__, ConnectionError)
    full = TaskState()
    full.writes = 0
    with pytest.raises(TaskStateUnavailable, match="task t cannot be written"):
        reattach.write(full, UNANSWERED, "t")


@pytest.mark.parametrize("state", ["job-1", 3, ["job-1"], {}, {"job_id": "job-1"}, {"version": 2}])
def test_an_attempt_of_another_shape_is_not_an_empty_one(state: Any):
    with pytest.raises(TaskStateUnavailable, match="classify_job"):
        reattach.read(TaskState(classify_job=state), "t")
