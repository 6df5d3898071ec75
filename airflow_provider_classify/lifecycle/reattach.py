"""
Decide whether a try of a task takes up the job of an earlier try or submits its document.

The task keeps its last attempt in Airflow's ``task_state_store`` (Airflow 3.3 and later), which survives a
retry, a deferral and a clear. An attempt is recorded before it is sent: a worker that is killed in the
middle of a submit leaves the idempotency key by which a server that honours keys finds the job again. The
store tells mapped tasks apart by their position alone (apache/airflow#72725), so an attempt also has the
fingerprint of what its job is about.
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

#: The key of the attempt in the task's state.
STATE_KEY = "classify_job"


class StateStore(Protocol):
    """What is used of Airflow's ``task_state_store``."""

    def get(self, key: str) -> Any:
        """Read a value; ``None`` where there is none."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    A submit that is about to be sent, or, with a ``job_id``, one that was accepted.

    Each try that sends an attempt again uses its ``idempotency_key``. A job that fails ends its attempt; the
    next one counts it in ``failures``.
    """

    fingerprint: str
    idempotency_key: str
    job_id: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Reattach:
    """The task has a job: wait for it."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Submit:
    """The task needs a job: record the ``attempt``, then send it. ``reason`` is for the log."""

    attempt: Attempt
    reason: str


def fingerprint(document: str, categories: Sequence[Category], classifier: str) -> str:
    """
    Return the fingerprint of what a job is about: document, categories and classifier.

    :param document: the document's own fingerprint.
    :param classifier: the connection, and the identity of its backend.
    """
    parts = [document, [asdict(category) for category in categories], classifier]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def address(task_instance: Any) -> str:
    """Return a text that names this task of this run, the same for all its tries."""
    return "/".join(
        map(str, (task_instance.dag_id, task_instance.task_id, task_instance.run_id, task_instance.map_index))
    )


def key_of(address: str, fingerprint: str, failures: int) -> str:
    """
    Return the idempotency key of an attempt: the same in each try, another after each failure.

    Two Airflows that have the same run of the same DAG make the same keys. They share one job for the same
    fingerprint.
    """
    return hashlib.sha256(f"{address}/{fingerprint}/{failures}".encode()).hexdigest()


def job_to_look_at(last: Attempt | None, fingerprint: str) -> str | None:
    """Return the job whose status :func:`decide` needs: that of the last attempt, if its fingerprint is the same."""
    return last.job_id if last and last.fingerprint == fingerprint else None


def decide(last: Attempt | None, fingerprint: str, seen: Job | ClassifyError | None, address: str) -> Reattach | Submit:
    """
    Decide whether the task takes its job up or submits.

    :param last: the last attempt on record.
    :param fingerprint: of what the task is to do now.
    :param seen: what a look at :func:`job_to_look_at` found, if there is such a job. A look that failed for a
        reason that may pass says nothing against the job.
    :param address: of the task (:func:`address`).
    """
    first = Attempt(fingerprint, key_of(address, fingerprint, 0))
    if last is None:
        return Submit(first, "it has none yet")
    if last.fingerprint != fingerprint:
        return Submit(first, "document, categories or connection have changed since the last one")
    if last.job_id is None:
        return Submit(last, "an earlier try ended before its submit was answered")
    failures = last.failures + 1
    following = Attempt(fingerprint, key_of(address, fingerprint, failures), failures=failures)
    if isinstance(seen, JobNotFound):
        return Submit(following, f"job {last.job_id} is no longer known")
    if isinstance(seen, Job) and _has_failed(seen):
        return Submit(following, f"job {last.job_id} failed")
    return Reattach(last.job_id)


def _has_failed(job: Job) -> bool:
    return job.status is JobStatus.FAILED or (job.result is not None and not job.result.success)


def read(store: StateStore, task: str) -> Attempt | None:
    """
    Read the task's last attempt; ``None`` only where the store says that there is none.

    :param task: names the task in errors.
    :raises TaskStateUnavailable: it is unknown whether there is a job, so nothing may be submitted.
    """
    try:
        state = store.get(STATE_KEY)
    except Exception as error:  # Airflow's API, or a custom state backend with errors of its own
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be read ({type(error).__name__}), so a job may be under way already; "
            "retry when Airflow's API server and state store work."
        ) from error
    if state is None:
        return None
    try:
        return Attempt(**state)
    except TypeError as error:
        raise TaskStateUnavailable(
            f"The state {STATE_KEY!r} of the task {task} was written by another version; delete it to classify anew."
        ) from error


def write(store: StateStore, attempt: Attempt, task: str) -> None:
    """Record an attempt. :raises TaskStateUnavailable: the store does not take it."""
    try:
        store.set(STATE_KEY, asdict(attempt))
    except Exception as error:  # as in :func:`read`
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be written ({type(error).__name__}); "
            "retry when Airflow's API server and state store work."
        ) from error
