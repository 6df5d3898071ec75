"""Read the trace of a request from its header."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_classify.model.trace import TRACE_HEADER, traced

_NAME = TRACE_HEADER.encode()


class TraceMiddleware:
    """Sets the current trace while the application answers a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with traced(_header(scope["headers"])):
            await self._app(scope, receive, send)


def _header(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the value of the header; ``None`` if the request has no such header, or several."""
    values = [value for name, value in headers if name == _NAME]
    return values[0].decode("latin-1").strip() if len(values) == 1 else None
