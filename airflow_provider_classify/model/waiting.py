"""
The one decision of every wait: after this look at the job, what next?

Operator, sensor and trigger share it, so they cannot differ. It is pure: time and chance are
passed in. The pauses are the API's own advice, 1 s doubling to 30 s, taken from the *age* of the
wait instead of a count of polls: the same sequence, and a triggerer that restarts goes on where it
was instead of starting again at 1 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError, JobFailed, JobTimedOut, error_of_kind
from airflow_provider_classify.model.contract import ClassificationResult, Job, JobStatus

SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
#: Pauses are shortened by up to this share, so that jobs submitted together are not polled together.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """
    What is waited for: a job, since when and until when (epoch seconds).

    The deadline is absolute, so it holds across a deferral and a triggerer's restart.
    ``longest_pause`` is what the pauses grow to, in seconds.
    """

    job_id: str
    since: float
    deadline: float
    longest_pause: float = LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The job is not done: look again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The job is done, well or badly; its result is to be fetched where it is used."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Looking further makes no sense."""

    error: ClassifyError


Next = LookAgain | Ended | GaveUp


def pause(age: float, longest: float = LONGEST_PAUSE) -> float:
    """
    Give the pause after a look at this age of the wait, both in seconds, without jitter.

    Looks fall at 0, 1, 3, 7, 15, 31, 61, 91 … s: pauses of 1, 2, 4, 8, 16, 30, 30 …
    """
    return min(longest, max(SHORTEST_PAUSE, age + 1.0))


def first_pause(wait: Wait, *, now: float, chance: float) -> float:
    """
    Give the seconds until a wait's first look: none, unless the wait has just begun.

    Then the submit or a look has just told where the job stands, and the advice is to ask a second later. A
    wait that is taken over is older.

    :param now: epoch seconds.
    :param chance: as for :func:`after`.
    """
    age = max(0.0, now - wait.since)
    return max(0.0, min(SHORTEST_PAUSE * (1.0 - _JITTER * chance) - age, wait.deadline - now))


def after(wait: Wait, seen: JobStatus | ClassifyError, *, now: float, chance: float) -> Next:
    """
    Decide after one look.

    :param seen: the job's status, or the error that the look ended in. An error that a later look can
        overcome is waited out until the deadline; any other ends the wait.
    :param now: epoch seconds.
    :param chance: a random number from 0 to 1, for the jitter.
    """
    asked = 0.0
    if isinstance(seen, JobStatus):
        if seen.is_terminal:
            return Ended(seen)
    elif not seen.retryable:
        return GaveUp(seen)
    else:
        asked = seen.retry_after or 0.0
    left = wait.deadline - now
    if left <= 0 or asked > left:
        return GaveUp(timed_out(wait, seen))
    seconds = pause(now - wait.since, wait.longest_pause) * (1.0 - _JITTER * chance)
    # The last look falls on the deadline itself: a job that ends just before it counts.
    return LookAgain(min(max(seconds, asked), left))


def timed_out(wait: Wait, seen: JobStatus | ClassifyError) -> JobTimedOut:
    """Say that the deadline has passed, and what the last look saw."""
    last = f"the last look failed: {seen}" if isinstance(seen, ClassifyError) else f"it is still {seen}"
    deadline = datetime.fromtimestamp(wait.deadline, tz=UTC).isoformat(timespec="seconds")
    return JobTimedOut(
        f"Job {wait.job_id} was not done by {deadline}, {wait.deadline - wait.since:.0f} s after the wait began; "
        f"{last}. Raise the timeout, or wait for the same job with a ClassifySensor."
    )


def answer(job: Job, document: str | None = None) -> ClassificationResult:
    """
    Return the result of a job that ended. That of a blank document has no classification.

    :param document: its label, for the message of a failure.
    :raises JobFailed: the job failed, or no page of it could be classified. A failure of the local
        engine is raised as the kind it was, such as ``DocumentEncrypted``.
    """
    name = f"Job {job.job_id}" + (f" for {document}" if document else "")
    if job.result is None:
        raise error_of_kind(job.error_kind, f"{name} {job.status}: {job.error}")
    if not job.result.success:
        reasons = "; ".join(f"page {page.page}: {page.error}" for page in job.result.page_results)
        raise JobFailed(
            f"{name} completed, but not one page was classified ({reasons or 'no reason given'}); check the document."
        )
    return job.result


def to_event(wait: Wait, end: Ended | GaveUp) -> dict[str, Any]:
    """
    Make the payload of a trigger's event: status, id and the error's words, never a result.

    Event payloads are logged at INFO by the triggerer (Airflow 3.3.2) and stored with the task.
    """
    if isinstance(end, Ended):
        return {"job_id": wait.job_id, "status": end.status.value}
    return {"job_id": wait.job_id, "status": "gave_up", "error_kind": end.error.kind, "message": str(end.error)}


def from_event(event: dict[str, Any] | None) -> str:
    """
    Read an event back on the worker: the id of a job that has ended.

    :raises ClassifyError: the kind that the trigger gave up with.
    """
    if not event or "job_id" not in event:
        raise JobFailed("The task was resumed without the trigger's event; clear the task to classify again.")
    if event.get("status") == "gave_up":
        raise error_of_kind(event.get("error_kind"), str(event.get("message")))
    return str(event["job_id"])
