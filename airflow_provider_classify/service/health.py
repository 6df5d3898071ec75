"""Check that the parts of the service work: the record of jobs, the disk of the documents, and the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.service.errors import HttpError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """
    A part of the service that can fail.

    :param name: the name of the part in the reply of ``/health/ready``, such as ``record``.
    :param check: raises a :class:`ClassifyError` or an :class:`OSError` if the part does not work.
    :param reply: returns the reply for such an error. The reply names no path and no host.
    """

    name: str
    check: Callable[[], None]
    reply: Callable[[Exception], HttpError]

    def failure(self) -> HttpError | None:
        """Check the part. Log a failure, and return the reply for it; return ``None`` if the part works."""
        try:
            self.check()
        except (ClassifyError, OSError) as error:
            _log.error("The service is not ready (%s): %s", self.name, error, exc_info=error)
            return self.reply(error)
        return None


def add_health(app: FastAPI, parts: Sequence[Part], replies: Mapping[str, dict[int | str, Any]]) -> None:
    """
    Add ``/health/live``, ``/health/ready`` and ``/health``, which need no key.

    :param replies: the replies of ``live``, ``ready`` and ``health`` for the OpenAPI document.
    """

    @app.get("/health/live", summary="Check that the process answers", responses=replies["live"])
    async def live() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/health/ready", summary="Check that every part of the service works", responses=replies["ready"])
    def ready() -> Response:
        failures = {part.name: part.failure() for part in parts}
        states = {name: "failing" if failure else "ok" for name, failure in failures.items()}
        failing = [failure for failure in failures.values() if failure]
        if not failing:
            return JSONResponse({"status": "ok", "parts": states})
        first = failing[0]
        body = first.body | {"detail": " ".join(f"{failure.body['detail']}." for failure in failing)}
        return JSONResponse({**body, "status": "unavailable", "parts": states}, first.status, first.headers)

    @app.get("/health", summary="Check that the service works", responses=replies["health"])
    def health() -> Response:
        failure = next((failure for part in parts if (failure := part.failure())), None)
        return failure.response() if failure else JSONResponse({"status": "ok"})
