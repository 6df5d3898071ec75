"""
The requests and replies of the classify API, without I/O.

Both drivers use them, httpx on the worker and aiohttp in the triggerer, so the two cannot differ.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    ClassifyError,
    InvalidReply,
    RateLimited,
)
from airflow_provider_classify.model import job as jobs
from airflow_provider_classify.model import strict_json
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import (
    HONOURED_HEADER,
    IDEMPOTENCY_HEADER,
    ClassificationResult,
    Job,
    JobStatus,
    Statuses,
    Submission,
    require_job_id,
)

T = TypeVar("T")

SUBMIT_PATH = "/classify"
FILE_FIELD = "pdf_file"
#: The id of a job that no server can have. Its 404 proves that the host answers and the key is taken.
NO_JOB = "00000000-0000-0000-0000-000000000000"
#: Pauses between the attempts of one submit, in seconds, where the server does not say.
SUBMIT_PAUSES = (1.0, 2.0, 4.0, 8.0)
#: The longest ``Retry-After`` that a submit waits for on the worker, in seconds.
_LONGEST_SUBMIT_PAUSE = 60.0
#: After these errors the request surely began no job.
_NOT_TAKEN = (ApiNotReached, RateLimited, ApiOverloaded)
#: Bytes a second below which an upload is given up.
_SLOWEST_UPLOAD = 64 * 1024
#: Bytes of JSON that take little memory and time, whatever they hold.
_SMALL = 64 * 1024
#: Characters of a server's own words that are kept: a job's error, and everything else.
_LONGEST_ERROR = 2000
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request to the API.

    :param path: what is appended to the base URL.
    :param what: what the request is about, for errors.
    :param timeout: seconds that it may take from connecting to the last byte of the reply, beside an upload.
    :param form: the fields of a form.
    :param document: the file of the form.
    """

    method: str
    path: str
    what: str
    timeout: float
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the server; ``body`` is decoded from the transfer's compression."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# --- requests -----------------------------------------------------------------------------


def headers(settings: ApiSettings) -> dict[str, str]:
    """Return the headers of every request. Only these hold the api key."""
    key = {"api-key": settings.api_key} if settings.api_key else {}
    return {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"} | key


def submit_request(
    settings: ApiSettings, document: Document, categories: Sequence[Category], idempotency_key: str | None
) -> Request:
    """Return the submit of a document: a URL is handed over, any other document is uploaded."""
    form = {"categories": json.dumps([category.to_json() for category in categories], ensure_ascii=False)}
    return Request(
        "POST",
        SUBMIT_PATH,
        what=f"the document {document.label}",
        timeout=settings.request_timeout,
        headers={IDEMPOTENCY_HEADER: idempotency_key} if idempotency_key else {},
        form=form | ({"file_url": document.file_url} if document.is_url else {}),
        document=None if document.is_url else document,
    )


def job_request(settings: ApiSettings, job_id: str, timeout: float | None = None) -> Request:
    """Return the request for a job. :raises InvalidJobId: it cannot be an id."""
    limit = settings.request_timeout if timeout is None else min(timeout, settings.request_timeout)
    return Request("GET", job_path(job_id), what=f"job {job_id}", timeout=limit)


def cancel_request(settings: ApiSettings, job_id: str) -> Request:
    """Return the request to cancel a job. :raises InvalidJobId: it cannot be an id."""
    return Request("DELETE", job_path(job_id), what=f"the cancelling of job {job_id}", timeout=settings.request_timeout)


def statuses_request(settings: ApiSettings, job_ids: Sequence[str]) -> Request:
    """Return the request for the statuses of several jobs. :raises InvalidJobId: one cannot be an id."""
    path = f"{SUBMIT_PATH}?job_id=" + "&job_id=".join(map(require_job_id, job_ids))
    return Request("GET", path, what=f"the status of {len(job_ids)} jobs", timeout=settings.request_timeout)


def honours_keys_request(settings: ApiSettings) -> Request:
    """Return the request whose reply says whether idempotency keys are honoured."""
    what = "the question whether keys are honoured"
    return Request("GET", job_path(NO_JOB), what=what, timeout=settings.request_timeout)


def job_path(job_id: str) -> str:
    """Return the path of a job. :raises InvalidJobId: it cannot be an id."""
    return f"{SUBMIT_PATH}/{require_job_id(job_id)}"


def file_name(document: Document) -> str:
    """Return the upload's file name, without the characters that HTTP libraries escape differently."""
    return re.sub(r'[\x00-\x1f\x7f"\\\ud800-\udfff]', "_", document.name)


def content_type(document: Document) -> str:
    """Return the media type that the name promises, for servers that look at it."""
    return mimetypes.guess_type(document.name)[0] or "application/octet-stream"


def upload_seconds(size: int) -> float:
    """Return how many seconds more a request may take that uploads ``size`` bytes."""
    return size / _SLOWEST_UPLOAD


# --- replies ------------------------------------------------------------------------------


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


# --- whether a submit is sent again -------------------------------------------------------


def may_have_been_taken(error: ClassifyError) -> bool:
    """Return whether a submit that failed so may have begun a job."""
    return isinstance(error, (ApiUnavailable, InvalidReply)) and not isinstance(error, _NOT_TAKEN)


def pause_before_resubmit(error: ClassifyError, attempt: int, *, repeatable: bool = False) -> float | None:
    """
    Decide whether a submit that failed for the ``attempt``-th time (from 1) is sent again, and when.

    It is only if the request surely began no job: not reached, 429, or a 503 that says so. Any other
    failure may have begun one, and sending again could pay twice.

    :param repeatable: sending it again does no harm: it has a key that the server is known to honour,
        or it is not a submit. Then 408, 5xx, a lost connection and a reply that is not the API's (a proxy's
        page, half of a reply) are reasons to try again too.
    :returns: seconds to wait, or ``None`` to give up.
    """
    passing = (ApiUnavailable, RateLimited, InvalidReply) if repeatable else _NOT_TAKEN
    if not isinstance(error, passing) or attempt > len(SUBMIT_PAUSES):
        return None
    pause = max(SUBMIT_PAUSES[attempt - 1], error.retry_after or 0.0)
    return pause if pause <= _LONGEST_SUBMIT_PAUSE else None


# --- parts --------------------------------------------------------------------------------


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
