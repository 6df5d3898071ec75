"""
The exchanges with the classify API, without I/O.

An exchange is a generator. It yields a :class:`Request` or a :class:`Sleep`, receives the :class:`Reply` or the error
of the request, and returns the result. The two drivers, :mod:`~airflow_provider_classify.api.sync` and
:mod:`~airflow_provider_classify.api.aio`, only send requests and sleep, so that both behave the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from airflow_provider_classify.api import errors, replies, requests, resubmit
from airflow_provider_classify.api.replies import Reply
from airflow_provider_classify.api.requests import Request
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, JobNotFound
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for ``seconds``, then continue the exchange."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The exchange has returned ``value``."""

    value: T


Exchange = Generator[Request | Sleep, Reply | None, T]


def advance(exchange: Exchange[T], received: Reply | ClassifyError | None) -> Request | Sleep | Done[T]:
    """
    Continue an exchange and return its next step.

    :param received: the reply to the last request, or the error of that request; ``None`` at the beginning and after
        a sleep.
    :raises ClassifyError: the exchange has failed.
    """
    try:
        return exchange.throw(received) if isinstance(received, ClassifyError) else exchange.send(received)
    except StopIteration as end:
        return Done(end.value)


def submit(
    settings: ApiSettings, document: Document, categories: Sequence[Category], idempotency_key: str | None
) -> Exchange[Submission]:
    """
    Submit a document. After a failure, send it again only if that cannot begin a second job.

    If a failed submit may have begun a job, it is sent again only with an idempotency key, and only to a server that
    confirms that it honours keys.

    :raises DocumentError: the document is missing, empty or too large to send.
    :raises ApiError: the API refused the request, or the request failed.
    """
    request = requests.submit_request(settings, document, categories, idempotency_key)

    def read(reply: Reply) -> Submission:
        return replies.read_submission(reply, what=request.what, settings=settings)

    try:
        return (yield from _repeat(request, read, repeatable=False))
    except ClassifyError as error:
        if idempotency_key is None or not resubmit.may_have_begun_job(error):
            raise
        if not (yield from honours_keys(settings)):
            raise
    return (yield from _repeat(request, read, repeatable=True))


def get(settings: ApiSettings, job_id: str, timeout: float | None = None) -> Exchange[Job]:
    """
    Return the current state of a job, with one request.

    :param timeout: the most seconds that the request may take, if that is less than the ``request_timeout``.
    """
    request = requests.job_request(settings, job_id, timeout)
    return replies.read_job((yield from _reply(request)), job_id=job_id, what=request.what, settings=settings)


def check(settings: ApiSettings) -> Exchange[None]:
    """
    Request a job that does not exist. The contract has no route for a health check.

    :raises ApiError: the API does not answer or rejects the api key.
    """
    request = requests.no_job_request(settings, "a test request")
    with suppress(JobNotFound):
        replies.read_job((yield from _reply(request)), job_id=requests.NO_JOB, what=request.what, settings=settings)


def statuses(settings: ApiSettings, job_ids: Sequence[str]) -> Exchange[Mapping[str, JobStatus | ClassifyError]]:
    """
    Return the current statuses of several jobs, with one request.

    :param job_ids: valid ids.
    :returns: the status of each job, or its error.
    """
    request = requests.statuses_request(settings, job_ids)
    found = replies.read_statuses((yield from _reply(request)), what=request.what, settings=settings)
    seen: dict[str, JobStatus | ClassifyError] = {
        job_id: found.by_id[job_id] for job_id in job_ids if job_id in found.by_id
    }
    if len(seen) < len(job_ids):
        missing = set(found.not_found)
        for job_id in set(job_ids).difference(seen):
            what = f"job {job_id}"
            seen[job_id] = errors.job_not_found(what) if job_id in missing else errors.job_missing(what, settings)
    return seen


def cancel(settings: ApiSettings, job_id: str) -> Exchange[Job | None]:
    """
    Cancel a job.

    :returns: the current state of the job; ``None`` if there is no such job or the API has no cancel.
    """
    request = requests.cancel_request(settings, job_id)
    reply = yield from _reply(request)
    return replies.read_cancelled(reply, job_id=job_id, what=request.what, settings=settings)


def honours_keys(settings: ApiSettings) -> Exchange[bool]:
    """
    Return whether the server confirms that it honours idempotency keys. Retry while it fails.

    If the server does not answer, return ``False``. Then the caller raises the error of its submit.
    """
    request = requests.no_job_request(settings, "the check for idempotency keys")

    def read(reply: Reply) -> bool:
        return replies.read_honours_keys(reply, what=request.what, settings=settings)

    try:
        return (yield from _repeat(request, read, repeatable=True))
    except ClassifyError:
        return False


def _repeat(request: Request, read: Callable[[Reply], T], *, repeatable: bool) -> Exchange[T]:
    """Send a request until its reply can be parsed or :func:`resubmit.pause_before_resubmit` returns ``None``."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return read((yield from _reply(request)))
        except ClassifyError as error:
            pause = resubmit.pause_before_resubmit(error, attempt, repeatable=repeatable)
            if pause is None:
                raise
        yield Sleep(pause)


def _reply(request: Request) -> Exchange[Reply]:
    reply = yield request
    if reply is None:
        raise TypeError("The driver must send a reply after a request.")
    return reply
