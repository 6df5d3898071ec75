"""
Decide after each request of a wait whether to ask for the job again or to end the wait.

Operator, sensor and trigger share these decisions. They are pure functions: the caller passes the time and a random
number. The pauses follow the API's advice: they begin with 1 s and double up to 30 s. They are computed from the
*age* of the wait and not from the number of requests. So a triggerer that restarts continues with the same pauses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_classify.exceptions import ClassifyError, InvalidReply, JobFailed, JobTimedOut, error_of_kind
from airflow_provider_classify.model.api_contract import LONGEST_PAUSE, SHORTEST_PAUSE
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.printable_text import quotable
from airflow_provider_classify.model.result import ClassificationResult

#: The most failed pages whose errors a message quotes.
_QUOTED_PAGES = 5
#: The largest share, from 0 to 1, by which a pause is shortened at random. It spreads the requests of jobs that were
#: submitted together.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A wait for a job: its start ``since`` and its ``deadline``, both in epoch seconds.

    The times are absolute, so they stay the same after a deferral and after a restart of the triggerer.
    ``longest_pause`` is the most seconds between two requests.
    """

    job_id: str
    since: float
    deadline: float
    longest_pause: float = LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The job has not ended. Ask again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The job has ended, as completed or failed. The task fetches its result later."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The wait ended before the job: the deadline has passed, or the error is not retryable."""

    error: ClassifyError


Next = LookAgain | Ended | GaveUp


def pause(age: float, longest: float = LONGEST_PAUSE) -> float:
    """
    Return the seconds until the next request, without jitter.

    The pauses are 1, 2, 4, 8, 16, 30, 30 … s, so the requests are sent at 0, 1, 3, 7, 15, 31, 61, 91 … s.

    :param age: seconds since the wait began.
    :param longest: the longest pause, in seconds.
    """
    return min(longest, max(SHORTEST_PAUSE, age + 1.0))


def first_pause(wait: Wait, *, now: float, chance: float) -> float:
    """
    Return the seconds until the first request of a wait.

    If the wait has just begun, this is about 1 s, because the reply to the submit contained the status. If the wait is
    older, for example because another triggerer continues it, this is 0.

    :param now: epoch seconds.
    :param chance: a random number from 0 to 1, for the jitter.
    """
    age = max(0.0, now - wait.since)
    return max(0.0, min(SHORTEST_PAUSE * (1.0 - _JITTER * chance) - age, wait.deadline - now))


def after(wait: Wait, seen: JobStatus | ClassifyError, *, now: float, chance: float) -> Next:
    """
    Decide what to do after a request.

    :param seen: the job's status, or the error of the request. After a retryable error the wait continues until its
        deadline, unless the server asks for a pause beyond it. Any other error ends the wait.
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
    # The last request is sent at the deadline itself, so that it sees a job that ended just before.
    return LookAgain(min(max(seconds, asked), left))


def timed_out(wait: Wait, seen: JobStatus | ClassifyError) -> JobTimedOut:
    """Return the error for a passed deadline. ``seen`` is the status or error of the last request."""
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
    Return the result of a job that has ended. The result of a blank document has no classification.

    :param document: the document's label, for errors.
    :param categories: the names of the categories, or ``None`` if they are not known. They are checked because a
        task chooses its route by the answer.
    :raises JobFailed: the job failed, or none of its pages was classified. An error of the local engine is raised
        as the same class, such as ``DocumentEncrypted``.
    :raises InvalidReply: the answer of the document or of a page is not one of the categories.
    """
    name = f"Job {job.job_id}" + (f" for {document}" if document else "")
    if job.result is None:
        if document and job.error and repr(document) in job.error:
            name = f"Job {job.job_id}"  # the engine has named the document
        raise error_of_kind(job.error_kind, f"{name} {job.status}: {job.error}")
    if not job.result.success:
        raise JobFailed(
            f"{name} completed, but none of its pages was classified ({_reasons(job.result)}); check the document."
        )
    if categories is not None:
        _require_known(job.result, set(categories), name)
    return job.result


def describe_answer(result: ClassificationResult) -> str:
    """Return the answer as a text for the log: the category and the confidence, or ``blank``."""
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
                f"{job} completed as {quotable(repr(found), 80)}, which is not one of the categories; "
                "check that the connection's host is a classify API, or classify the document again."
            )
