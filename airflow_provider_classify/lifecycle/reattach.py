"""
Decide whether a try of a task reattaches to the job of an earlier try or submits its document.

The task records its last attempt in Airflow's ``task_state_store`` (Airflow 3.3 and later), which survives a retry, a
deferral and a clear. It records an attempt before it sends the submit. If the worker is killed during the submit, the
record has the idempotency key, with which a server that honours keys finds the job again. The store identifies a
mapped task only by its index (apache/airflow#72725), so an attempt also has the fingerprint of its job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_provider_classify.exceptions import ClassifyError, JobNotFound, TaskStateUnavailable
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus

#: The key in the task's state under which the attempt is stored.
STATE_KEY = "classify_job"
#: The key of the attempt at the second connection of a cascade.
ESCALATED_STATE_KEY = "classify_escalated_job"


class StateStore(Protocol):
    """The methods of Airflow's ``task_state_store`` that this package uses."""

    def get(self, key: str) -> Any:
        """Return a value; ``None`` if the store does not have the key."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    A submit that is about to be sent or was accepted. An accepted submit has a ``job_id``.

    Each try that sends an attempt again uses its ``idempotency_key``. A failed job ends its attempt. ``failures`` is
    the number of failed attempts before this one.
    """

    fingerprint: str
    idempotency_key: str
    job_id: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Reattach:
    """The task has a job. Wait for it."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Submit:
    """The task needs a job. Record the ``attempt``, then submit. ``reason`` is for the log."""

    attempt: Attempt
    reason: str


def fingerprint(document: str, categories: Sequence[Category], classifier: str) -> str:
    """
    Return the fingerprint of a job: a hash of document, categories and classifier.

    :param document: the fingerprint of the document.
    :param classifier: the connection id and the identity of its backend.
    """
    parts = [document, [category.to_fingerprint() for category in categories], classifier]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def address(task_instance: Any) -> str:
    """Return a string that identifies a task instance. It is the same for all tries."""
    return "/".join(
        map(str, (task_instance.dag_id, task_instance.task_id, task_instance.run_id, task_instance.map_index))
    )


def key_of(address: str, fingerprint: str, failures: int) -> str:
    """
    Return the idempotency key of an attempt. It is the same in each try and changes after each failure.

    Two Airflow installations with the same run of the same DAG use the same keys. If the fingerprint is the same, they
    share a job.
    """
    return hashlib.sha256(f"{address}/{fingerprint}/{failures}".encode()).hexdigest()


def job_to_look_at(last: Attempt | None, fingerprint: str) -> str | None:
    """Return the job of the last attempt if its fingerprint is the same. :func:`decide` needs its status."""
    return last.job_id if last and last.fingerprint == fingerprint else None


def decide(last: Attempt | None, fingerprint: str, seen: Job | ClassifyError | None, address: str) -> Reattach | Submit:
    """
    Decide whether the task reattaches to its job or submits.

    :param last: the last attempt in the task's state.
    :param fingerprint: the fingerprint of the job that the task needs now.
    :param seen: the job of :func:`job_to_look_at`, or the error of the look; ``None`` without such a job. After a
        retryable error the task reattaches.
    :param address: the result of :func:`address`.
    """
    first = Attempt(fingerprint, key_of(address, fingerprint, 0))
    if last is None:
        return Submit(first, "this task has no earlier job")
    if last.fingerprint != fingerprint:
        return Submit(first, "the document, the categories or the connection have changed since the last job")
    if last.job_id is None:
        return Submit(last, "an earlier try ended before it received the job id")
    failures = last.failures + 1
    following = Attempt(fingerprint, key_of(address, fingerprint, failures), failures=failures)
    if isinstance(seen, JobNotFound):
        return Submit(following, f"the API no longer knows job {last.job_id}")
    if isinstance(seen, Job) and _has_failed(seen):
        return Submit(following, f"job {last.job_id} failed")
    return Reattach(last.job_id)


def _has_failed(job: Job) -> bool:
    return job.status is JobStatus.FAILED or (job.result is not None and not job.result.success)


def read(store: StateStore, task: str, key: str = STATE_KEY) -> Attempt | None:
    """
    Return the task's last attempt; ``None`` if the store does not have one.

    :param task: names the task in errors.
    :param key: the key of the attempt in the task's state.
    :raises TaskStateUnavailable: the state cannot be read. There may be a job, so the caller must not submit.
    """
    try:
        state = store.get(key)
    except Exception as error:  # Airflow's API and custom state backends raise their own kinds of errors
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be read ({type(error).__name__}), so it may already have a job; "
            "retry when Airflow's API server and state store work."
        ) from error
    if state is None:
        return None
    try:
        return Attempt(**state)
    except TypeError as error:
        raise TaskStateUnavailable(
            f"The state {key!r} of the task {task} was written by another version of this package; "
            "delete it to classify again."
        ) from error


def write(store: StateStore, attempt: Attempt, task: str, key: str = STATE_KEY) -> None:
    """Record an attempt under a key. :raises TaskStateUnavailable: the state cannot be written."""
    try:
        store.set(key, asdict(attempt))
    except Exception as error:  # the same errors as in :func:`read`
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be written ({type(error).__name__}); "
            "retry when Airflow's API server and state store work."
        ) from error
