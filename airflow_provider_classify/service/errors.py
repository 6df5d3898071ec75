"""
Every answer of the service that is an error: status, headers, and a JSON object with ``detail``.

Clients of the API read ``detail`` of every error body. Where the API itself sends an ``error``
object (413, 503), it stands beside ``detail``.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

#: Seconds after which a client may try again when the queue is full.
RETRY_AFTER = 5


class Refusal(Exception):
    """
    A request that is answered with an error.

    :param detail: a sentence; for 422 the list of what is wrong with the fields.
    :param error: the ``error`` object beside ``detail``, where the API sends one.
    """

    def __init__(
        self,
        status: int,
        detail: str | list[dict[str, Any]],
        *,
        error: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.body: dict[str, Any] = {"detail": detail} | ({"error": error} if error else {})
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        """Turn it into the reply."""
        return JSONResponse(self.body, self.status, self.headers)


def bad_request(detail: str) -> Refusal:
    """400: what was asked makes no sense."""
    return Refusal(400, detail)


def invalid_field(name: str, kind: str, message: str) -> Refusal:
    """422: a form field is missing or of the wrong sort, in the form that FastAPI gives such errors."""
    return Refusal(422, [{"type": kind, "loc": ["body", name], "msg": message}])


def too_large(what: str, limit: int) -> Refusal:
    """413: ``limit`` in bytes."""
    detail = f"{what} is larger than the limit of {limit} bytes"
    return Refusal(413, detail, error={"code": "payload_too_large", "message": detail, "details": {"max_bytes": limit}})


def unavailable(reason: str, detail: str) -> Refusal:
    """503 with ``Retry-After``; ``reason`` is one word for programs, such as ``queue_full``."""
    details = {"reason": reason, "retry_after": RETRY_AFTER}
    error = {"code": "service_unavailable", "message": detail, "details": details}
    return Refusal(503, detail, error=error, headers={"Retry-After": str(RETRY_AFTER)})
