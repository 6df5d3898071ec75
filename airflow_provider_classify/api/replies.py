"""The replies of the classify API, without I/O. Both drivers read them here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

from airflow_provider_classify.api.errors import (
    another_job,
    contract_broken,
    error_of,
    header,
    job_not_found,
    json_object,
    kind_of,
    quoted_message,
)
from airflow_provider_classify.api.requests import NO_JOB
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import ClassifyError, InvalidReply
from airflow_provider_classify.model import job as jobs
from airflow_provider_classify.model import strict_json
from airflow_provider_classify.model.api_contract import HONOURED_HEADER
from airflow_provider_classify.model.job import Job, JobStatus, Statuses, Submission
from airflow_provider_classify.model.result import ClassificationResult

T = TypeVar("T")

#: JSON of at most this many bytes takes little memory and time to parse, whatever its content.
_SMALL = 64 * 1024
#: The most characters that are kept of a job's error.
_LONGEST_ERROR = 2000
#: The most characters that are kept of the server's other texts.
_LONGEST_TEXT = 300


class Reply(NamedTuple):
    """A reply of the server. ``body`` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_submission(reply: Reply, *, what: str, settings: ApiSettings) -> Submission:
    """Parse the reply to a submit. :raises ApiError: the error for the reply's status."""
    _require_success(reply, what=what, settings=settings)
    return _read(reply.body, Submission.from_json, what=what, settings=settings)


def read_job(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> Job:
    """
    Parse the reply to a request for a job.

    :raises ApiError: the error for the reply's status.
    :raises InvalidReply: the reply breaks the contract or is about another job.
    """
    _require_success_of_job(reply, what=what, settings=settings)
    job = _read(reply.body, Job.from_json, what=what, settings=settings)
    _require_same_job(job.job_id, job_id, what=what, settings=settings)
    return replace(
        job,
        error=quoted_message(job.error, _LONGEST_ERROR, settings) if job.error else job.error,
        progress=quoted_message(job.progress, _LONGEST_TEXT, settings),
        result=_with_quotable_errors(job.result, settings) if job.result else None,
    )


def _with_quotable_errors(result: ClassificationResult, settings: ApiSettings) -> ClassificationResult:
    pages = (
        replace(page, error=quoted_message(page.error, _LONGEST_TEXT, settings)) if page.error else page
        for page in result.page_results
    )
    return replace(result, page_results=tuple(pages))


def read_status(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> JobStatus:
    """Parse only the status of a job. :func:`read_job` checks the rest when the job is fetched."""
    _require_success_of_job(reply, what=what, settings=settings)
    found, status = _read(reply.body, jobs.read_status, what=what, settings=settings, loads=_loads_of_statuses)
    _require_same_job(found, job_id, what=what, settings=settings)
    return status


def read_cancelled(reply: Reply, *, job_id: str, what: str, settings: ApiSettings) -> Job | None:
    """
    Parse the reply to a cancel.

    :returns: the current state of the job; ``None`` if there is no such job or the API has no cancel.
    :raises ApiError: the error for the reply's status.
    """
    if reply.status in (404, 405, 501):
        return None
    return read_job(reply, job_id=job_id, what=what, settings=settings)


def read_statuses(reply: Reply, *, what: str, settings: ApiSettings) -> Statuses:
    """Parse the reply to a batch status request. :raises ApiError: the error for the reply's status."""
    _require_success(reply, what=what, settings=settings)
    return _read(reply.body, Statuses.from_json, what=what, settings=settings, loads=_loads_of_statuses)


def read_honours_keys(reply: Reply, *, what: str, settings: ApiSettings) -> bool:
    """
    Return whether the reply for :data:`NO_JOB` says that the server honours idempotency keys.

    The contract does not require servers to honour keys, so the server must confirm it. Other servers begin and charge
    a second job for a submit that is sent again.

    :raises ApiError: the server failed (408, 429, 5xx), or a proxy replied for it.
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
    """
    Parse JSON of which only statuses are used.

    Small texts need no strict checks, which would take too long for thousands of texts per second.
    """
    return json.loads(body.decode()) if len(body) <= _SMALL else strict_json.loads(body)


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
        raise contract_broken(
            f"The classify API answered {what} with {kind_of(body)} instead of JSON", settings
        ) from error
    try:
        return parse(payload)
    except InvalidReply as error:
        # Not chained: this error has the same message, and the cause may contain the api key.
        said = quoted_message(str(error), _LONGEST_ERROR, settings).rstrip(".")
        raise contract_broken(f"{said} (in the answer for {what})", settings) from None
