"""
Map the replies of a classify API to errors, by the contract's table of statuses.

A message names the document or job and the connection. It quotes the server's own message: shortened, on one line, and
without the api key, which a server may repeat.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import (
    ApiConnectionLost,
    ApiError,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    DocumentTooLarge,
    InvalidReply,
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.model.printable_text import quotable

#: The most characters of a server's message that an error quotes.
_LONGEST_QUOTE = 300
#: The longest pause that a ``Retry-After`` causes, in seconds. A longer value may be a mistake, and it would stop all
#: waits of the connection, so it is cut to this.
LONGEST_RETRY_AFTER = 300.0


def job_not_found(what: str) -> JobNotFound:
    """Return the error for a job that the server does not know."""
    return JobNotFound(f"The classify API does not know {what}; it has expired, or another server has it.")


def not_reached(error: Exception, *, what: str, settings: ApiSettings) -> ApiNotReached:
    """Return the error for a connection that failed before anything was sent."""
    return ApiNotReached(
        f"The classify API at {settings.base_url} was not reached for {what} ({type(error).__name__}); "
        f"check the host of the connection {settings.conn_id!r} and that the server is up."
    )


def connection_lost(error: Exception, *, what: str, settings: ApiSettings) -> ApiConnectionLost:
    """Return the error for a connection that broke or timed out after something may have been sent."""
    return ApiConnectionLost(
        f"The classify API at {settings.base_url} did not reply to {what} ({type(error).__name__}), "
        f"so the request may have arrived; check the server of the connection {settings.conn_id!r}."
    )


def contract_broken(problem: str, settings: ApiSettings) -> InvalidReply:
    """Return the error for a reply that breaks the contract. ``problem`` is a sentence without its full stop."""
    return InvalidReply(f"{problem}; check that the host of the connection {settings.conn_id!r} is a classify API.")


def another_job(found: str, *, what: str, settings: ApiSettings) -> InvalidReply:
    """Return the error for a reply about a job that was not requested."""
    named = quoted_message(found, 80, settings)
    return contract_broken(f"The classify API answered {what} with the job {named!r}", settings)


def job_missing(what: str, settings: ApiSettings) -> InvalidReply:
    """Return the error for a job that is missing in a reply about several jobs."""
    return contract_broken(f"The classify API left {what} out of its answer for several jobs", settings)


def too_large(what: str, limit: int, settings: ApiSettings) -> InvalidReply:
    """Return the error for a reply with more than ``limit`` bytes."""
    return contract_broken(f"The classify API answered {what} with more than {limit // 1024**2} MB", settings)


def not_decoded(what: str, encoding: str, settings: ApiSettings) -> InvalidReply:
    """Return the error for a reply whose ``Content-Encoding`` is not supported or does not match its body."""
    named = quoted_message(encoding, 40, settings)
    return contract_broken(f"The classify API answered {what} with a body that is not valid {named!r}", settings)


def error_of(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> ApiError | DocumentTooLarge:
    """Return the error for an HTTP status, by the contract's table of errors."""
    payload = json_object(body)
    said = _server_message(payload, body, settings)
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
            return DocumentTooLarge(
                f"The classify API does not accept a file as large as that of {what}{said}; split it."
            )
        case 429:
            return RateLimited(
                f"The classify API receives too many requests: {what} was refused{said}.", retry_after=wait
            )
        case 503 if wait is not None or _is_overload(payload):
            return ApiOverloaded(f"The classify API is overloaded: {what} was refused{said}.", retry_after=wait)
        case _ if status in (408, 425) or status >= 500:
            return ApiUnavailable(f"The classify API failed on {what} with HTTP {status}{said}.", retry_after=wait)
        case _:
            return RequestRejected(
                f"The classify API rejected {what} with HTTP {status}{said}; "
                f"check the document, the categories and the host of the connection {settings.conn_id!r}."
            )


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; an empty object for any other body."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _server_message(payload: Mapping[str, Any], body: bytes, settings: ApiSettings) -> str:
    """Return the server's message in brackets, or a description of a body that is not a JSON object."""
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
        return f" ({kind_of(body)})"
    return f" ({quoted_message(str(detail), _LONGEST_QUOTE, settings)})"


def quoted_message(said: str, limit: int, settings: ApiSettings) -> str:
    """Return a server's message for logs and errors: :func:`quotable`, and without the api key."""
    return quotable(said.replace(settings.api_key, "***") if settings.api_key else said, limit)


def kind_of(body: bytes) -> str:
    """Describe a body that is not the JSON of the contract."""
    text = body[:2000].decode("utf-8", "replace").strip()
    if not text:
        return "an empty body"
    if text.startswith("<"):
        return "an HTML page"
    return "invalid JSON"


def _is_overload(payload: Mapping[str, Any]) -> bool:
    error = payload.get("error")
    return isinstance(error, Mapping) and error.get("code") == "service_unavailable"


def _retry_after(reply_headers: Mapping[str, str], payload: Mapping[str, Any]) -> float | None:
    """
    Return the seconds to wait, from 0 to :data:`LONGEST_RETRY_AFTER`; ``None`` if the server names no valid time.

    The source is the header ``Retry-After``, in seconds or as a date. Without it, ``error.details.retry_after`` in the
    body is used.
    """
    value: Any = header(reply_headers, "Retry-After")
    if value is None:
        error = payload.get("error")
        details = error.get("details") if isinstance(error, Mapping) else None
        value = details.get("retry_after") if isinstance(details, Mapping) else None
    if value is None:
        return None
    try:
        seconds: float | None = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = _seconds_until(str(value))
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return the value of a header, ignoring the case of its name; ``None`` if it is missing."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def _seconds_until(http_date: str) -> float | None:
    try:
        return (parsedate_to_datetime(http_date) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
