"""
The exchanges with the classify API, each written once and free of I/O.

An exchange is a generator: it yields a :class:`Request` to send or a :class:`Sleep`, is sent the
:class:`Reply` (or has the error of the sending thrown in), and returns what the caller asked for. The two
drivers, :mod:`~airflow_provider_classify.api.sync` and :mod:`~airflow_provider_classify.api.aio`, only send and
sleep, so they cannot differ in anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from airflow_provider_classify.api import errors, replies, requests, resubmit
from airflow_provider_classify.api.replies import Reply
from airflow_provider_classify.api.requests import Request
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for some seconds, and go on with the exchange."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The exchange has returned."""

    value: T


Exchange = Generator[Request | Sleep, Reply | None, T]


def advance(exchange: Exchange[T], received: Reply | ClassifyError | None) -> Request | Sleep | Done[T]:
    """
    Go on with an exchange, and return its next step.

    :param received: the reply to its last request, or the error of sending it; ``None`` to begin, and after a sleep.
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
    Submit a document, and again only where that cannot begin a second job.

    After a failure that leaves open whether there is a job, the document is sent again if the submit has a key
    and the server says that it honours keys.

    :raises DocumentError: there is nothing to send.
    :raises ApiError: the API refused, failed or was not reached.
    """
    request = requests.submit_request(settings, document, categories, idempotency_key)

    def read(reply: Reply) -> Submission:
        return replies.read_submission(reply, what=request.what, settings=settings)

    try:
        return (yield from _repeat(request, read, repeatable=False))
    except ClassifyError as error:
        if idempotency_key is None or not resubmit.may_have_been_taken(error):
            raise
        if not (yield from honours_keys(settings)):
            raise
    return (yield from _repeat(request, read, repeatable=True))


def get(settings: ApiSettings, job_id: str, timeout: float | None = None) -> Exchange[Job]:
    """
    Ask for a job once.

    :param timeout: seconds that the reply may take, if that is less than the connection's ``request_timeout``.
    """
    request = requests.job_request(settings, job_id, timeout)
    return replies.read_job((yield from _reply(request)), job_id=job_id, what=request.what, settings=settings)


def status(settings: ApiSettings, job_id: str) -> Exchange[JobStatus]:
    """Ask for a job once, and read only its status."""
    request = requests.job_request(settings, job_id)
    return replies.read_status((yield from _reply(request)), job_id=job_id, what=request.what, settings=settings)


def statuses(settings: ApiSettings, job_ids: Sequence[str]) -> Exchange[Mapping[str, JobStatus | ClassifyError]]:
    """
    Ask for the statuses of several jobs in one request.

    :returns: an entry for each of the jobs: its status, or the error of this job.
    """
    request = requests.statuses_request(settings, job_ids)
    found = replies.read_statuses((yield from _reply(request)), what=request.what, settings=settings)
    missing = set(found.not_found)

    def seen(job_id: str) -> JobStatus | ClassifyError:
        if job_id in found.by_id:
            return found.by_id[job_id]
        what = f"job {job_id}"
        return errors.job_not_found(what) if job_id in missing else errors.left_out(what, settings)

    return {job_id: seen(job_id) for job_id in job_ids}


def cancel(settings: ApiSettings, job_id: str) -> Exchange[Job | None]:
    """
    Ask the API to cancel a job.

    :returns: the job as it is now; ``None`` where there is no such job, or the API has no such route.
    """
    request = requests.cancel_request(settings, job_id)
    reply = yield from _reply(request)
    return replies.read_cancelled(reply, job_id=job_id, what=request.what, settings=settings)


def honours_keys(settings: ApiSettings) -> Exchange[bool]:
    """
    Ask whether the server honours idempotency keys, and again while it fails: it may be restarting.

    A server that does not answer counts as one that does not honour them. The caller raises the failure of its
    submit, which says more.
    """
    request = requests.honours_keys_request(settings)

    def read(reply: Reply) -> bool:
        return replies.read_honours_keys(reply, what=request.what, settings=settings)

    try:
        return (yield from _repeat(request, read, repeatable=True))
    except ClassifyError:
        return False


def _repeat(request: Request, read: Callable[[Reply], T], *, repeatable: bool) -> Exchange[T]:
    """Send a request until its reply can be read or :func:`resubmit.pause_before_resubmit` says to give up."""
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
        raise TypeError("A request has to be answered with a reply.")
    return reply
