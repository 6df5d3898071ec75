"""
The error replies of the service: a status, headers, and a JSON object with ``detail``.

Clients of the API read ``detail`` of every error body. The bodies of 413, 503 and 507 also have the ``error``
object of the API.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

from starlette.responses import JSONResponse

#: Seconds after which a client may try again when the service is busy.
RETRY_AFTER = 5
#: The most characters of a detail. A detail may quote the client's input, which can have megabytes.
MAX_DETAIL = 400


class HttpError(Exception):
    """
    An error reply to a request.

    :param detail: a sentence; for 422 a list with the errors of the fields, for 402 an object.
    :param error: the ``error`` object of the body, if it has one.
    """

    def __init__(
        self,
        status: int,
        detail: str | list[dict[str, Any]] | dict[str, Any],
        *,
        error: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.body: dict[str, Any] = {"detail": detail} | ({"error": error} if error else {})
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        """Return the reply."""
        return JSONResponse(self.body, self.status, self.headers)


def bad_request(detail: str) -> HttpError:
    """Return a 400: the request is malformed."""
    return HttpError(400, printable(detail, MAX_DETAIL))


def invalid_field(name: str, kind: str, message: str) -> HttpError:
    """Return a 422 about a form field, in FastAPI's format of such errors."""
    return HttpError(422, [{"type": kind, "loc": ["body", name], "msg": message}])


def too_slow(detail: str) -> HttpError:
    """Return a 408 that also closes the connection."""
    return HttpError(408, detail, headers={"Connection": "close"})


def too_large(what: str, limit: int) -> HttpError:
    """Return a 413; ``limit`` is in bytes."""
    detail = f"{what} is larger than the limit of {limit} bytes"
    return HttpError(
        413, detail, error={"code": "payload_too_large", "message": detail, "details": {"max_bytes": limit}}
    )


def rate_limited(requests: int, seconds: int) -> HttpError:
    """Return a 429: a key may make ``requests`` in a minute, and the next one after ``seconds``."""
    detail = f"This key may make {requests} requests in a minute; try again after {seconds} seconds"
    return HttpError(429, detail, headers={"Retry-After": str(seconds)})


def quota_exceeded(limit: int, current: int) -> HttpError:
    """Return a 402: the quota of a key is used up. The body is that of the API."""
    message = f"The quota of {limit} documents of this month is used up; submit again next month"
    data = {"current": current, "limit": limit, "remaining": 0}
    return HttpError(402, {"message": message, "status": "QUOTA_EXCEEDED", "quota_data": data})


def unavailable(reason: str, detail: str) -> HttpError:
    """Return a 503 with ``Retry-After``; ``reason`` is one word for programs, such as ``queue_full``."""
    return _try_later(503, "service_unavailable", reason, detail)


def no_room(detail: str) -> HttpError:
    """Return a 507 with ``Retry-After``: the service has no space for another document."""
    return _try_later(507, "insufficient_storage", "disk_full", detail)


def _try_later(status: int, code: str, reason: str, detail: str) -> HttpError:
    details = {"reason": reason, "retry_after": RETRY_AFTER}
    error = {"code": code, "message": detail, "details": details}
    return HttpError(status, detail, error=error, headers={"Retry-After": str(RETRY_AFTER)})


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether the error, or one of its causes, reports a full disk or a used-up disk quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        error = error.__cause__
    return False


def printable(text: str, limit: int) -> str:
    r"""
    Return the text in printable characters, so that it cannot forge a log line or control a terminal.

    Line breaks, control characters and invisible characters become escapes such as ``\n`` and ``\x1b``.

    :param limit: the most characters. Of a longer text, half of them are its beginning and half its end.
    """
    if len(text) > limit:
        half = limit // 2
        text = f"{text[:half]} … {text[-half:]}"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
