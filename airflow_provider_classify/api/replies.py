"""The replies of the classify API, without I/O. Both drivers read them here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from airflow_provider_classify.api.errors import (
    another_job,
    error_of,
    header,
    job_not_found,
    json_object,
    kind_of,
    not_the_contract,
    words,
)
from airflow_provider_classify.api.requests import NO_JOB
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import ClassifyError, InvalidReply
from airflow_provider_classify.model import job as jobs
from airflow_provider_classify.model import strict_json
from airflow_provider_classify.model.contract import HONOURED_HEADER
from airflow_provider_classify.model.job import Job, JobStatus, Statuses, Submission
from airflow_provider_classify.model.result import ClassificationResult

T = TypeVar("T")

#: Bytes of JSON up to which parsing takes little memory and time, whatever the content.
_SMALL = 64 * 1024
#: The most characters that are kept of a job's error.
_LONGEST_ERROR = 2000
#: The most characters that are kept of the server's other texts.
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the server; ``body`` is decoded from the transfer's compression."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_submission(reply: Reply, *, what: str, settings: ApiSettings) -> Submission:
    """Read the reply to a submit. :raises ApiError: the kind that the status stands for."""
    _require_success(reply, what=what, settings=settings)
    return _read(reply.body, Submission.from_json, what=what, settings=settings)


def read_job(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> Job:
    """
    Read the reply to a request for a job.

    :raises ApiError: the kind that the status stands for.
    :raises InvalidReply: among others, the reply is about another job.
    """
    _require_success_of_job(reply, what=what, settings=settings)
    job = _read(reply.body, Job.from_json, what=what, settings=settings)
    _require_same_job(job.job_id, job_id, what=what, settings=settings)
    return replace(
        job,
        error=words(job.error, _LONGEST_ERROR, settings) if job.error else job.error,
        progress=words(job.progress, _LONGEST_WORDS, settings),
        result=_with_quotable_errors(job.result, settings) if job.result else None,
    )


def _with_quotable_errors(result: ClassificationResult, settings: ApiSettings) -> ClassificationResult:
    pages = (
        replace(page, error=words(page.error, _LONGEST_WORDS, settings)) if page.error else page
        for page in result.page_results
    )
    return replace(result, page_results=tuple(pages))


def read_status(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> JobStatus:
    """As :func:`read_job`, but only the status. The rest is checked when the job is fetched."""
    _require_success_of_job(reply, what=what, settings=settings)
    found, status = _read(reply.body, jobs.read_status, what=what, settings=settings, loads=_loads_of_statuses)
    _require_same_job(found, job_id, what=what, settings=settings)
    return status


def read_cancelled(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> Job | None:
    """
    Read the reply to a cancel: the job as it is now, ``None`` where there is no such job or no such route.

    :raises ApiError: the kind that the status stands for.
    """
    if reply.status in (404, 405, 501):
        return None
    return read_job(reply, job_id=job_id, what=what, settings=settings)


def read_statuses(reply: Reply, *, what: str, settings: ApiSettings) -> Statuses:
    """Read the reply to a batch status request. :raises ApiError: the kind that the status stands for."""
    _require_success(reply, what=what, settings=settings)
    return _read(reply.body, Statuses.from_json, what=what, settings=settings, loads=_loads_of_statuses)


def read_honours_keys(reply: Reply, *, what: str, settings: ApiSettings) -> bool:
    """
    Read from the reply for :data:`NO_JOB` whether two submits with one idempotency key are one job.

    The server has to say so itself. The contract documents no key, and where none is honoured, a submit
    that is sent again is paid for again.

    :raises ApiError: the server did not get to an answer (408, 429, 5xx), or something else answered for it.
    """
    if header(reply.headers, HONOURED_HEADER) == "true":
        return True
    try:
        read_status(reply, job_id=NO_JOB, what=what, settings=settings)
    except ClassifyError as error:
        if error.retryable:
            raise
    return False


def _require_success(reply: Reply, *, what: str, settings: ApiSettings) -> None:
    if not 200 <= reply.status < 300:
        raise error_of(reply.status, reply.headers, reply.body, what=what, settings=settings)


def _require_success_of_job(reply: Reply, *, what: str, settings: ApiSettings) -> None:
    if reply.status == 404 and "detail" in json_object(reply.body):
        raise job_not_found(what)
    _require_success(reply, what=what, settings=settings)


def _require_same_job(found: str, wanted: str, *, what: str, settings: ApiSettings) -> None:
    if found != wanted:
        raise another_job(found, what=what, settings=settings)


def _loads_of_statuses(body: bytes) -> object:
    """Read JSON of which only statuses are used: thousands a second, so the checks are left out where it is small."""
    return json.loads(body) if len(body) <= _SMALL else strict_json.loads(body)


def _read(
    body: bytes,
    parse: Callable[[object], T],
    *,
    what: str,
    settings: ApiSettings,
    loads: Callable[[bytes], object] = strict_json.loads,
) -> T:
    try:
        payload = loads(body)
    except (ValueError, RecursionError) as error:
        raise not_the_contract(
            f"The classify API answered {what} with {kind_of(body)} instead of JSON", settings
        ) from error
    try:
        return parse(payload)
    except InvalidReply as error:
        # Not chained: its words are all here, except for the key that a server may echo.
        said = words(str(error), _LONGEST_ERROR, settings).rstrip(".")
        raise not_the_contract(f"{said} (in the answer for {what})", settings) from None
