"""Check that the parts of the service work: the record of jobs, the disk of the documents, and the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.service.errors import HttpError, unavailable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """
    A part of the service that can fail.

    :param name: what readiness calls it, such as ``record``.
    :param reason: the reason of the 503, for programs.
    :param detail: the sentence for clients. It has no path and no host.
    :param check: raises a :class:`ClassifyError` or an :class:`OSError` if the part does not work.
    """

    name: str
    reason: str
    detail: str
    check: Callable[[], None]

    def works(self) -> bool:
        """Check the part, and log why it does not work."""
        try:
            self.check()
        except (ClassifyError, OSError) as error:
            _log.error("The service is not ready (%s): %s", self.name, error, exc_info=error)
            return False
        return True


def add_health(app: FastAPI, parts: Sequence[Part], replies: Mapping[str, dict[int | str, Any]]) -> None:
    """
    Add ``/health/live``, ``/health/ready`` and ``/health``, which need no key.

    :param replies: the replies of ``live``, ``ready`` and ``health`` for the OpenAPI document.
    """

    @app.get("/health/live", summary="Check that the process answers", responses=replies["live"])
    async def live() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/health/ready", summary="Check that the service can accept and classify", responses=replies["ready"])
    def ready() -> Response:
        failing = [part for part in parts if not part.works()]
        states = {part.name: "failing" if part in failing else "ok" for part in parts}
        if not failing:
            return JSONResponse({"status": "ok", "parts": states})
        error = _not_ready(failing)
        return JSONResponse({**error.body, "status": "unavailable", "parts": states}, error.status, error.headers)

    @app.get("/health", summary="Check that the service works", responses=replies["health"])
    def health() -> Response:
        failing = [part for part in parts if not part.works()]
        return _not_ready(failing[:1]).response() if failing else JSONResponse({"status": "ok"})


def _not_ready(failing: Sequence[Part]) -> HttpError:
    return unavailable(failing[0].reason, " ".join(part.detail for part in failing))
