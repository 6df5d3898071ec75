"""
What goes wrong with a classify API, as errors: the contract's table, each with what to do about it.

A message names the document or job, the connection and the server's own words, never the api key,
which a server may echo.
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
    JobNotFound,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)

#: Characters of a server's own words that a message quotes at most.
_QUOTED = 300


def job_not_found(what: str) -> JobNotFound:
    """Say that the server does not have a job."""
    return JobNotFound(f"The classify API does not know {what}; it has expired, or another server has it.")


def not_reached(error: Exception, *, what: str, settings: ApiSettings) -> ApiNotReached:
    """No connection came about: nothing was sent."""
    return ApiNotReached(
        f"The classify API at {settings.base_url} was not reached for {what} ({type(error).__name__}); "
        f"check the host of the connection {settings.conn_id!r} and that the server is up."
    )


def connection_lost(error: Exception, *, what: str, settings: ApiSettings) -> ApiConnectionLost:
    """The connection broke or timed out after something may have been sent."""
    return ApiConnectionLost(
        f"The classify API at {settings.base_url} broke off or fell silent during {what} ({type(error).__name__}), "
        f"so the request may have arrived; see whether the server of the connection {settings.conn_id!r} is well."
    )


def error_of(
    status: int, reply_headers: Mapping[str, str], body: bytes, *, what: str, settings: ApiSettings
) -> ApiError | DocumentTooLarge:
    """Name the error that an HTTP status stands for (the contract's table of errors)."""
    payload = json_object(body)
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


def json_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object, empty where the body is none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _said(payload: Mapping[str, Any], body: bytes, settings: ApiSettings) -> str:
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
        return f" ({kind_of(body)})"
    return f" ({without_key(str(detail), settings)[:_QUOTED]})"


def without_key(words: str, settings: ApiSettings) -> str:
    """A server may echo the key that it rejects."""
    return words.replace(settings.api_key, "***") if settings.api_key else words


def kind_of(body: bytes) -> str:
    """Say what a body is that is not the JSON of the contract."""
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
    value: Any = header(reply_headers, "Retry-After")
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


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Give a header whatever its case."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def _seconds_until(http_date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(http_date) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None  # a server's malformed advice is no advice
