"""
Which job a task has, kept so that its next try takes it up instead of paying for another.

The record is in Airflow's ``task_state_store`` (Airflow 3.3 and later), which survives a retry, a
deferral and a clear. A submit is recorded as an intent before it is sent: a worker that is killed in
the middle leaves the key by which a server that honours keys finds the job again. The store knows a
mapped task by its position alone (apache/airflow#72725), so the fingerprint says what the job is about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_provider_classify.exceptions import ClassifyError, JobNotFound, TaskStateUnavailable
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import Job, JobStatus

#: The record's name in the task's state.
STATE_KEY = "classify_job"


class StateStore(Protocol):
    """What of Airflow's ``task_state_store`` is used."""

    def get(self, key: str) -> Any:
        """Read a value; ``None`` where there is none."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """
    A submit that was about to be sent, or with a ``job_id`` one that was taken.

    ``idempotency_key`` names the intent: every try that sends it again uses the same. A job that failed ends
    an intent, and ``failures`` counts those.
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
    """The task needs a job. ``intent`` is to be recorded before the submit; ``why`` it has none is for the log."""

    intent: Record
    why: str


def fingerprint(document: str, categories: Sequence[Category], classifier: str) -> str:
    """
    Tell what a job is about.

    :param document: the document's own fingerprint.
    :param classifier: who is asked: the connection, and what is behind it.
    """
    question = [document, [asdict(category) for category in categories], classifier]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()


def address(task_instance: Any) -> str:
    """Say which task of which run this is, whatever the try."""
    return "/".join(
        map(str, (task_instance.dag_id, task_instance.task_id, task_instance.run_id, task_instance.map_index))
    )


def key_of(address: str, fingerprint: str, failures: int) -> str:
    """
    Make the idempotency key of an intent: the same in every try, another after a failure.

    Two Airflows that have the same run of the same DAG make the same keys, and share the answer to the same
    question about the same bytes.
    """
    return hashlib.sha256(f"{address}/{fingerprint}/{failures}".encode()).hexdigest()


def known_job(record: Record | None, wanted: str) -> str | None:
    """Give the job that has to be looked at before :func:`decide`: the recorded one, if it is the wanted one."""
    return record.job_id if record and record.fingerprint == wanted else None


def decide(record: Record | None, wanted: str, seen: Job | ClassifyError | None, address: str) -> Reattach | Submit:
    """
    Decide whether the task takes its job up or submits.

    :param wanted: the fingerprint of what the task is to do now.
    :param seen: what a look at the :func:`known_job` found, if there is one. A look that failed for a reason
        that may pass says nothing against the job.
    :param address: of the task (:func:`address`).
    """
    first = Record(wanted, key_of(address, wanted, 0))
    if record is None:
        return Submit(first, "it has none yet")
    if record.fingerprint != wanted:
        return Submit(first, "document, categories or connection have changed since the last one")
    if record.job_id is None:
        return Submit(record, "an earlier try ended before its submit was answered")
    failures = record.failures + 1
    next_one = Record(wanted, key_of(address, wanted, failures), failures=failures)
    if isinstance(seen, JobNotFound):
        return Submit(next_one, f"job {record.job_id} is not known any more")
    if isinstance(seen, Job) and _is_useless(seen):
        return Submit(next_one, f"job {record.job_id} failed")
    return Reattach(record.job_id)


def _is_useless(job: Job) -> bool:
    return job.status is JobStatus.FAILED or (job.result is not None and not job.result.success)


def read(store: StateStore, task: str) -> Record | None:
    """
    Read what the task has on record; ``None`` only where the store says that there is nothing.

    :param task: names the task in errors.
    :raises TaskStateUnavailable: whether there is a job is unknown, so nothing may be submitted.
    """
    try:
        state = store.get(STATE_KEY)
    except Exception as error:  # Airflow's API, or a custom state backend with errors of its own
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be read ({type(error).__name__}), so a job may be under way already; "
            "retry when Airflow's API server and state store are well."
        ) from error
    if state is None:
        return None
    try:
        return Record(**state)
    except TypeError as error:
        raise TaskStateUnavailable(
            f"The state {STATE_KEY!r} of the task {task} is none of this version; delete it to classify anew."
        ) from error


def write(store: StateStore, record: Record, task: str) -> None:
    """Put it on record. :raises TaskStateUnavailable: the store does not take it."""
    try:
        store.set(STATE_KEY, asdict(record))
    except Exception as error:  # as in :func:`read`
        raise TaskStateUnavailable(
            f"The state of the task {task} cannot be written ({type(error).__name__}); "
            "retry when Airflow's API server and state store are well."
        ) from error
