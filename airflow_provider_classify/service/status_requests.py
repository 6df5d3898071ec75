"""
Answer requests for the status of a job without FastAPI, which would take most of the time of such a request.

The application answers all other requests: those for other routes, with a wrong key, for an unknown job, and while the
record fails. It has the route too, so it sends the error replies and describes the route in the OpenAPI document.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from airflow_provider_classify.exceptions import JobRecordUnavailable
from airflow_provider_classify.service.access import Access, owner
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.status_reads import StatusReads, reply_body

_PREFIX = "/classify/"


class StatusRequests:
    """
    Answers requests for the status of a job. This is a middleware of the application.

    :param access: admits the requests.
    :param reads: reads the rows of jobs.
    """

    def __init__(self, app: Any, access: Access, reads: StatusReads) -> None:
        self._app = app
        self._access = access
        self._reads = reads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request for the status of a job. Pass any other request on to the application."""
        body = await self._body(scope)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, scope: Any) -> bytes | None:
        """Return the body of the reply; ``None`` if the application must answer."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_PREFIX):
            return None
        request = Request(scope)
        try:
            self._access.admit(request)
            row = await self._reads.row(scope["path"][len(_PREFIX) :])
        except (HttpError, JobRecordUnavailable):
            return None
        return reply_body(row) if row is not None and row.owner == owner(request) else None
