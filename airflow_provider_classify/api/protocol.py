"""
The API's client without I/O: how a request looks, and what a reply means.

Both drivers use it, httpx on the worker and aiohttp in the triggerer, so the two cannot differ.
Nothing here holds the api key but the header that is sent.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from airflow_provider_classify.api.errors import error_of, header, job_not_found, json_object, kind_of, without_key
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
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import (
    HONOURED_HEADER,
    IDEMPOTENCY_HEADER,
    Job,
    JobStatus,
    Statuses,
    Submission,
    job_status,
)

T = TypeVar("T")

SUBMIT_PATH = "/classify"
FILE_FIELD = "pdf_file"
#: The id of a job that no server can have. Its 404 proves that the host answers and the key is taken.
NO_JOB = "00000000-0000-0000-0000-000000000000"
#: Ids that stand in a URL as they are.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
#: Waits between the sendings of one submit, in seconds, where the server does not say.
_SUBMIT_PAUSES = (1.0, 2.0, 4.0, 8.0)
#: The longest ``Retry-After`` that a submit waits for on the worker, in seconds.
_SUBMIT_PATIENCE = 60.0
#: After these a request surely was not taken.
_NOT_TAKEN = (ApiNotReached, RateLimited, ApiOverloaded)


def headers(settings: ApiSettings) -> dict[str, str]:
    """Every request's headers."""
    key = {"api-key": settings.api_key} if settings.api_key else {}
    return {"Accept": "application/json"} | key


def submit_headers(idempotency_key: str | None) -> dict[str, str]:
    """The headers of a submit beside those of every request."""
    return {IDEMPOTENCY_HEADER: idempotency_key} if idempotency_key else {}


def form(categories: Sequence[Category], file_url: str | None = None) -> dict[str, str]:
    """The form fields of a submit beside the file."""
    fields = {"categories": json.dumps([category.to_json() for category in categories], ensure_ascii=False)}
    return fields | ({"file_url": file_url} if file_url else {})


def file_name(document: Document) -> str:
    """The upload's file name, without what HTTP libraries escape each in a way of its own."""
    return re.sub(r'[\x00-\x1f\x7f"\\\ud800-\udfff]', "_", document.name)


def content_type(document: Document) -> str:
    """What the name promises, for servers that look at it."""
    return mimetypes.guess_type(document.name)[0] or "application/octet-stream"


def job_path(job_id: str) -> str:
    """The path that answers for a job."""
    return f"{SUBMIT_PATH}/{quote(job_id, safe='')}"


def read_submission(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> Submission:
    """Read the reply to a submit. :raises ApiError: the kind that the status stands for."""
    if not 200 <= status < 300:
        raise error_of(status, reply_headers, body, what=what, settings=settings)
    return _read(body, Submission.from_json, what=what, settings=settings)


def read_job(status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings) -> Job:
    """Read the reply to a status request. :raises ApiError: the kind that the status stands for."""
    job = _read_of_job(Job.from_json, status, reply_headers, body, what=what, settings=settings)
    return replace(job, error=without_key(job.error, settings)) if job.error else job


def read_status(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> JobStatus:
    """As :func:`read_job`, but only where the job stands; whoever fetches it reads the rest."""
    return _read_of_job(job_status, status, reply_headers, body, what=what, settings=settings)


def _read_of_job(
    parse: Callable[[object], T],
    status: int,
    reply_headers: Mapping[str, str],
    body: bytes,
    *,
    what: str,
    settings: ApiSettings,
) -> T:
    if status == 404 and "detail" in json_object(body):
        raise job_not_found(what)
    if not 200 <= status < 300:
        raise error_of(status, reply_headers, body, what=what, settings=settings)
    return _read(body, parse, what=what, settings=settings)


def read_cancelled(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> Job | None:
    """
    Read the reply to a cancel: the job as it is now, ``None`` where there is no such job or no such route.

    :raises ApiError: the kind that the status stands for.
    """
    if status in (404, 405, 501):
        return None
    return read_job(status, reply_headers, body, what=what, settings=settings)


def statuses_path(job_ids: Sequence[str]) -> str:
    """The path that answers for several jobs at once, where the server has that route."""
    # Ids are UUIDs, and to quote each took a fifth of all the time of a look at a group.
    if not _PLAIN.fullmatch("".join(job_ids)):
        job_ids = [quote(job_id, safe="") for job_id in job_ids]
    return f"{SUBMIT_PATH}?job_id=" + "&job_id=".join(job_ids)


def read_statuses(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> Statuses:
    """Read the reply to a batch status request. :raises ApiError: the kind that the status stands for."""
    if not 200 <= status < 300:
        raise error_of(status, reply_headers, body, what=what, settings=settings)
    return _read(body, Statuses.from_json, what=what, settings=settings)


def read_honours_keys(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> bool:
    """
    Read in the reply for :data:`NO_JOB` whether two submits with one idempotency key are one job.

    The server has to say so itself: no key is documented for the API, and where none is honoured, a submit
    that is sent again is paid for again.

    :raises ApiError: the server did not get to an answer (408, 429, 5xx), or something else answered for it.
    """
    if header(reply_headers, HONOURED_HEADER) == "true":
        return True
    try:
        read_status(status, reply_headers, body, what=what, settings=settings)
    except ClassifyError as error:
        if error.retryable:
            raise
    return False


def may_have_been_taken(error: ClassifyError) -> bool:
    """Whether a submit that failed so may have begun a job."""
    return isinstance(error, (ApiUnavailable, InvalidReply)) and not isinstance(error, _NOT_TAKEN)


def pause_before_resubmit(error: ClassifyError, attempt: int, *, repeatable: bool = False) -> float | None:
    """
    Decide whether a submit that failed for the ``attempt``-th time (from 1) is sent again, and when.

    Only where the request surely was not taken: not reached, 429, or a 503 that says so. Any other
    failure may have begun a job, and sending again could pay twice.

    :param repeatable: sending it again does no harm: it has a key that the server is known to honour,
        or it is no submit but a question. Then 408, 5xx, a lost connection and what is no answer of
        the API (a proxy's page, half of an answer) are tried again too.
    :returns: seconds to wait, or ``None`` to give up.
    """
    passing = (ApiUnavailable, RateLimited, InvalidReply) if repeatable else _NOT_TAKEN
    if not isinstance(error, passing) or attempt > len(_SUBMIT_PAUSES):
        return None
    pause = max(_SUBMIT_PAUSES[attempt - 1], error.retry_after or 0.0)
    return pause if pause <= _SUBMIT_PATIENCE else None


def _read(body: bytes, parse: Callable[[object], T], *, what: str, settings: ApiSettings) -> T:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidReply(
            f"The classify API answered {what} with {kind_of(body)} instead of JSON; {_check_host(settings)}"
        ) from error
    try:
        return parse(payload)
    except InvalidReply as error:
        # No cause: its words are all here, but for the key that a server may echo.
        words = without_key(str(error), settings).rstrip(".")
        raise InvalidReply(f"{words} (in the answer for {what}); {_check_host(settings)}") from None


def _check_host(settings: ApiSettings) -> str:
    return f"check that the host of the connection {settings.conn_id!r} is a classify API."
