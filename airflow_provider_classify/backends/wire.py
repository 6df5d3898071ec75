"""
The API's client without I/O: how a request looks, what a reply means, which error it is.

Both drivers use it, httpx on the worker and aiohttp in the triggerer, so the two cannot differ.
Nothing here holds the api key but the header that is sent.
"""

from __future__ import annotations

import json
import math
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

from airflow_provider_classify.backends.settings import Settings
from airflow_provider_classify.categories import Category
from airflow_provider_classify.contract import (
    HONOURED_HEADER,
    IDEMPOTENCY_HEADER,
    Job,
    JobStatus,
    Statuses,
    Submission,
    job_status,
)
from airflow_provider_classify.documents import Document
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiError,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    DocumentTooLarge,
    InvalidReply,
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)

T = TypeVar("T")

SUBMIT_PATH = "/classify"
FILE_FIELD = "pdf_file"
#: The id of a job that no server can have. Its 404 proves that the host answers and the key is taken.
NO_JOB = "00000000-0000-0000-0000-000000000000"
#: Ids that stand in a URL as they are.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
#: Characters of a server's own words that a message quotes at most.
_QUOTED = 300
#: Waits between the sendings of one submit, in seconds, where the server does not say.
_SUBMIT_PAUSES = (1.0, 2.0, 4.0, 8.0)
#: The longest ``Retry-After`` that a submit waits for on the worker, in seconds.
_SUBMIT_PATIENCE = 60.0
#: After these a request surely was not taken.
_NOT_TAKEN = (ApiNotReached, RateLimited, ApiOverloaded)


def headers(settings: Settings) -> dict[str, str]:
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
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
) -> Submission:
    """Read the reply to a submit. :raises ApiError: the kind that the status stands for."""
    if not 200 <= status < 300:
        raise _error(status, reply_headers, body, what=what, settings=settings)
    return _read(body, Submission.from_json, what=what, settings=settings)


def read_job(status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings) -> Job:
    """Read the reply to a status request. :raises ApiError: the kind that the status stands for."""
    job = _read_of_job(Job.from_json, status, reply_headers, body, what=what, settings=settings)
    return replace(job, error=_without_key(job.error, settings)) if job.error else job


def read_status(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
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
    settings: Settings,
) -> T:
    if status == 404 and "detail" in _json_object(body):
        raise job_not_found(what)
    if not 200 <= status < 300:
        raise _error(status, reply_headers, body, what=what, settings=settings)
    return _read(body, parse, what=what, settings=settings)


def read_cancelled(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
) -> Job | None:
    """
    Read the reply to a cancel: the job as it is now, ``None`` where there is no such job or no such route.

    :raises ApiError: the kind that the status stands for.
    """
    if status in (404, 405, 501):
        return None
    return read_job(status, reply_headers, body, what=what, settings=settings)


def job_not_found(what: str) -> JobNotFound:
    """Say that the server does not have a job."""
    return JobNotFound(f"The classify API does not know {what}; it has expired, or another server has it.")


def statuses_path(job_ids: Sequence[str]) -> str:
    """The path that answers for several jobs at once, where the server has that route."""
    # Ids are UUIDs, and to quote each took a fifth of all the time of a look at a group.
    if not _PLAIN.fullmatch("".join(job_ids)):
        job_ids = [quote(job_id, safe="") for job_id in job_ids]
    return f"{SUBMIT_PATH}?job_id=" + "&job_id=".join(job_ids)


def read_statuses(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
) -> Statuses:
    """Read the reply to a batch status request. :raises ApiError: the kind that the status stands for."""
    if not 200 <= status < 300:
        raise _error(status, reply_headers, body, what=what, settings=settings)
    return _read(body, Statuses.from_json, what=what, settings=settings)


def not_reached(error: Exception, *, what: str, settings: Settings) -> ApiNotReached:
    """No connection came about: nothing was sent."""
    return ApiNotReached(
        f"The classify API at {settings.base_url} was not reached for {what} ({type(error).__name__}); "
        f"check the host of the connection {settings.conn_id!r} and that the server is up."
    )


def connection_lost(error: Exception, *, what: str, settings: Settings) -> ApiConnectionLost:
    """The connection broke or timed out after something may have been sent."""
    return ApiConnectionLost(
        f"The classify API at {settings.base_url} broke off or fell silent during {what} ({type(error).__name__}), "
        f"so the request may have arrived; see whether the server of the connection {settings.conn_id!r} is well."
    )


def read_honours_keys(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
) -> bool:
    """
    Read in the reply for :data:`NO_JOB` whether two submits with one idempotency key are one job.

    The server has to say so itself: no key is documented for the API, and where none is honoured, a submit
    that is sent again is paid for again.

    :raises ApiError: the server did not get to an answer (408, 429, 5xx).
    """
    if _header(reply_headers, HONOURED_HEADER) == "true":
        return True
    error = None if 200 <= status < 300 else _error(status, reply_headers, body, what=what, settings=settings)
    if error is not None and error.retryable:
        raise error
    return False


def may_have_been_taken(error: ClassifyError) -> bool:
    """Whether a submit that failed so may have begun a job."""
    return isinstance(error, ApiUnavailable) and not isinstance(error, _NOT_TAKEN)


def pause_before_resubmit(error: ClassifyError, attempt: int, *, repeatable: bool = False) -> float | None:
    """
    Decide whether a submit that failed for the ``attempt``-th time (from 1) is sent again, and when.

    Only where the request surely was not taken: not reached, 429, or a 503 that says so. Any other
    failure may have begun a job, and sending again could pay twice.

    :param repeatable: sending it again does no harm: it has a key that the server is known to honour,
        or it is no submit but a question. Then 408, 5xx and a lost connection are tried again too.
    :returns: seconds to wait, or ``None`` to give up.
    """
    passing = (ApiUnavailable, RateLimited) if repeatable else _NOT_TAKEN
    if not isinstance(error, passing) or attempt > len(_SUBMIT_PAUSES):
        return None
    pause = max(_SUBMIT_PAUSES[attempt - 1], error.retry_after or 0.0)
    return pause if pause <= _SUBMIT_PATIENCE else None


def _read(body: bytes, parse: Callable[[object], T], *, what: str, settings: Settings) -> T:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidReply(
            f"The classify API answered {what} with {_kind_of(body)} instead of JSON; {_check_host(settings)}"
        ) from error
    try:
        return parse(payload)
    except InvalidReply as error:
        # No cause: its words are all here, but for the key that a server may echo.
        words = _without_key(str(error), settings).rstrip(".")
        raise InvalidReply(f"{words} (in the answer for {what}); {_check_host(settings)}") from None


def _check_host(settings: Settings) -> str:
    return f"check that the host of the connection {settings.conn_id!r} is a classify API."


def _error(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: Settings
) -> ApiError | DocumentTooLarge:
    """Name the error that an HTTP status stands for (the contract's table of errors)."""
    payload = _json_object(body)
    said = _said(payload, body, settings)
    wait = _retry_after(reply_headers, payload)
    match status:
        case 401 | 403:
            return AuthenticationRejected(
                f"The classify API rejected the key of the connection {settings.conn_id!r} for {what} (HTTP {status}); "
                "set a valid api key as its password."
            )
        case 402:
            return QuotaExceeded(
                f"The quota of the connection {settings.conn_id!r} is used up: {what} was refused{said}; "
                "raise the quota or wait until it renews."
            )
        case 413:
            return DocumentTooLarge(f"The classify API takes no file as large as that of {what}{said}; split it.")
        case 429:
            return RateLimited(f"The classify API asks to slow down: {what} was refused{said}.", retry_after=wait)
        case 503 if wait is not None or _is_overload(payload):
            return ApiOverloaded(f"The classify API is overloaded: {what} was refused{said}.", retry_after=wait)
        case _ if status in (408, 425) or status >= 500:
            return ApiUnavailable(f"The classify API failed on {what} with HTTP {status}{said}.", retry_after=wait)
        case _:
            return RequestRejected(
                f"The classify API rejected {what} with HTTP {status}{said}; "
                f"check the document, the categories and the host of the connection {settings.conn_id!r}."
            )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _said(payload: Mapping[str, Any], body: bytes, settings: Settings) -> str:
    """The server's own words in brackets: ``detail`` in its three forms, else what kind of body it was."""
    detail = payload.get("detail")
    if isinstance(detail, Mapping):
        detail = detail.get("message")
    elif isinstance(detail, list):
        detail = "; ".join(str(item.get("msg", item)) if isinstance(item, Mapping) else str(item) for item in detail)
    if not detail and isinstance(payload.get("error"), Mapping):
        detail = payload["error"].get("message")
    if not detail and payload:
        return ""
    if not detail:
        return f" ({_kind_of(body)})"
    return f" ({_without_key(str(detail), settings)[:_QUOTED]})"


def _without_key(words: str, settings: Settings) -> str:
    """A server may echo the key that it rejects."""
    return words.replace(settings.api_key, "***") if settings.api_key else words


def _kind_of(body: bytes) -> str:
    text = body[:2000].decode("utf-8", "replace").strip()
    if not text:
        return "an empty body"
    if text.startswith("<"):
        return "an HTML page"
    return "a body that is no JSON"


def _is_overload(payload: Mapping[str, Any]) -> bool:
    error = payload.get("error")
    return isinstance(error, Mapping) and error.get("code") == "service_unavailable"


def _retry_after(reply_headers: Mapping[str, str], payload: Mapping[str, Any]) -> float | None:
    """``Retry-After`` in seconds or as a date, else the 503 body's ``retry_after``."""
    value: Any = _header(reply_headers, "Retry-After")
    if value is None:
        error = payload.get("error")
        details = error.get("details") if isinstance(error, Mapping) else None
        value = details.get("retry_after") if isinstance(details, Mapping) else None
    if value is None:
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return _seconds_until(str(value))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def _seconds_until(http_date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(http_date) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None  # a server's malformed advice is no advice
