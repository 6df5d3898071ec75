"""
The decision that every wait makes after each request for its job: ask again, or end.

Operator, sensor and trigger share it, so they cannot differ. It is pure: time and chance are
passed in. The pauses follow the API's advice, 1 s doubling to 30 s. They are computed from the *age* of the
wait and not from a count of requests: the sequence is the same, and a triggerer that restarts goes on with the
pauses that it had reached.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_classify.exceptions import ClassifyError, InvalidReply, JobFailed, JobTimedOut, error_of_kind
from airflow_provider_classify.model.contract import ClassificationResult, Job, JobStatus
from airflow_provider_classify.model.text import quotable

SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
#: Failed pages whose errors a message quotes.
_QUOTED_PAGES = 5
#: Pauses are shortened by up to this share, so that jobs submitted together are not polled together.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A job that is waited for, from when and until when (epoch seconds).

    The deadline is absolute, so it stays the same in a deferral and a triggerer's restart.
    ``longest_pause`` is what the pauses grow to, in seconds.
    """

    job_id: str
    since: float
    deadline: float
    longest_pause: float = LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The job has not ended: ask again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The job has ended, as completed or failed. Its result is fetched where it is used."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The wait has ended without the job: its deadline has passed, or asking again cannot help."""

    error: ClassifyError


Next = LookAgain | Ended | GaveUp


def pause(age: float, longest: float = LONGEST_PAUSE) -> float:
    """
    Return the pause after a request at this age of the wait, both in seconds, without jitter.

    Requests fall at 0, 1, 3, 7, 15, 31, 61, 91 … s: pauses of 1, 2, 4, 8, 16, 30, 30 …
    """
    return min(longest, max(SHORTEST_PAUSE, age + 1.0))


def first_pause(wait: Wait, *, now: float, chance: float) -> float:
    """
    Return the seconds until the first request of a wait: 0, unless the wait has just begun.

    In that case the submit or a request has just told the status, and the advice is to ask a second later. A
    wait that another triggerer takes over is older.

    :param now: epoch seconds.
    :param chance: as for :func:`after`.
    """
    age = max(0.0, now - wait.since)
    return max(0.0, min(SHORTEST_PAUSE * (1.0 - _JITTER * chance) - age, wait.deadline - now))


def after(wait: Wait, seen: JobStatus | ClassifyError, *, now: float, chance: float) -> Next:
    """
    Decide what follows a request.

    :param seen: the job's status, or the error of the request. A retryable error is waited out until the
        deadline; any other ends the wait.
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
    # The last request falls on the deadline itself: a job that ends just before it counts.
    return LookAgain(min(max(seconds, asked), left))


def timed_out(wait: Wait, seen: JobStatus | ClassifyError) -> JobTimedOut:
    """Return the error of a deadline that has passed. ``seen`` is what the last request found."""
    last = (
        f"the last request failed: {str(seen).rstrip('.')}"
        if isinstance(seen, ClassifyError)
        else f"it is still {seen}"
    )
    deadline = datetime.fromtimestamp(wait.deadline, tz=UTC).isoformat(timespec="seconds")
    return JobTimedOut(
        f"Job {wait.job_id} was not done by {deadline}, {wait.deadline - wait.since:.0f} s after the wait began; "
        f"{last}. Raise the timeout, or wait for the same job with a ClassifySensor."
    )


def answer(job: Job, document: str | None = None, categories: Collection[str] | None = None) -> ClassificationResult:
    """
    Return the result of a job that ended. A blank document has a result without a classification.

    :param document: the document's label, for errors.
    :param categories: the names that were asked for, where they are known. A task routes by the answer, so
        another one is refused.
    :raises JobFailed: the job failed, or no page of it could be classified. A failure of the local
        engine is raised as the class it was, such as ``DocumentEncrypted``.
    :raises InvalidReply: the answer is none of the categories.
    """
    name = f"Job {job.job_id}" + (f" for {document}" if document else "")
    if job.result is None:
        raise error_of_kind(job.error_kind, f"{name} {job.status}: {job.error}")
    if not job.result.success:
        raise JobFailed(
            f"{name} completed, but not one page was classified ({_reasons(job.result)}); check the document."
        )
    if categories is not None:
        _require_known(job.result, set(categories), name)
    return job.result


def describe_answer(result: ClassificationResult) -> str:
    """Return what a document is, for the log: its category with the confidence, or that it is blank."""
    if result.blank:
        return "blank"
    return f"{quotable(str(result.classification), 200)} (confidence {result.confidence:.2f})"


def _reasons(result: ClassificationResult) -> str:
    failed = result.page_results
    reasons = [f"page {page.page}: {page.error}" for page in failed[:_QUOTED_PAGES]]
    if failed[_QUOTED_PAGES:]:
        reasons.append(f"and {len(failed) - _QUOTED_PAGES} more pages")
    return "; ".join(reasons) or "no reason given"


def _require_known(result: ClassificationResult, names: set[str], job: str) -> None:
    answers = [result.classification, *(page.classification for page in result.page_results)]
    for found in answers:
        if found is not None and found not in names:
            raise InvalidReply(
                f"{job} completed as {quotable(repr(found), 80)}, which is none of the categories; "
                "check that the connection's host is a classify API, or classify the document again."
            )
