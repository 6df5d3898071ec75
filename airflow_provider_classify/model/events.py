"""
The payloads of trigger events: the triggerer encodes them, the worker decodes them.

A payload contains a status, ids and an error message. It never contains a result, because the triggerer logs payloads
at INFO (Airflow 3.3), and Airflow stores them with the task.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.exceptions import ClassifyError, JobFailed, error_of_kind
from airflow_provider_classify.model import polling

_GAVE_UP = "gave_up"

Event = dict[str, Any]


def encode_job(job_id: str, end: polling.Ended | polling.GaveUp, *, is_escalated: bool = False) -> Event:
    """
    Return the payload of a trigger that waited for one job.

    :param is_escalated: whether it is the job at the second connection of a cascade.
    """
    event: Event = {"job_id": job_id} | ({"escalated": True} if is_escalated else {})
    if isinstance(end, polling.GaveUp):
        return event | encode_error(end.error)
    return event | {"status": end.status.value}


def is_escalated(event: Event | None) -> bool:
    """Return whether the trigger waited at the second connection of a cascade."""
    return bool(event and event.get("escalated"))


def decode_job(event: Event | None) -> str:
    """
    Return the id of the job that ended.

    :raises JobFailed: the task resumed without an event.
    :raises ClassifyError: the trigger gave up. The error is of the same class as the trigger's.
    """
    if not event or "job_id" not in event:
        raise JobFailed("The task was resumed without the trigger's event; clear the task to classify again.")
    raise_given_up(event)
    return str(event["job_id"])


def encode_batch(*, jobs: int, ended: int, is_escalated: bool = False) -> Event:
    """
    Return the payload of a trigger that waited for the jobs of a batch.

    :param jobs: how many jobs the trigger watched.
    :param ended: how many of them ended before the deadline.
    :param is_escalated: whether they are jobs at the second connection of a cascade.
    """
    return {"status": "ended", "jobs": jobs, "ended": ended} | ({"escalated": True} if is_escalated else {})


def encode_error(error: ClassifyError) -> Event:
    """Return the payload of a trigger that gave up; :func:`raise_given_up` raises the error again."""
    return {"status": _GAVE_UP, "error_kind": error.kind, "message": str(error)}


def raise_given_up(event: Event | None) -> None:
    """
    Raise the trigger's error if the trigger gave up.

    A batch calls this when it resumes. It reads the state of its documents from its record, not from the event.

    :raises ClassifyError: the trigger gave up. The error is of the same class as the trigger's.
    """
    if event and event.get("status") == _GAVE_UP:
        raise error_of_kind(event.get("error_kind"), str(event.get("message")))
