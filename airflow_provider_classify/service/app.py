"""
The routes of the service.

``POST /classify`` and ``GET /classify/{job_id}`` are the contract's; ``GET /classify?job_id=…&job_id=…``
(the statuses of up to 500 jobs), ``DELETE /classify/{job_id}`` (cancel) and ``GET /health`` are this
service's own.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import uuid
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from airflow_provider_classify.exceptions import JobNotFound, JobRecordUnavailable
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.contract import (
    HONOURED_HEADER,
    IDEMPOTENCY_HEADER,
    MAX_STATUS_IDS,
    JobStatus,
    Submission,
)
from airflow_provider_classify.service.forms import MAX_FIELD_BYTES, read_form, read_order
from airflow_provider_classify.service.refusals import Refusal, bad_request, too_large, unavailable
from airflow_provider_classify.service.spool import Spool
from airflow_provider_classify.service.work import Work

#: Seconds for which the rest of a refused upload is read, so that its sender sees the answer.
DISCARD_SECONDS = 30.0
_LONGEST_KEY = 255
#: Also with the 404 of an unknown job: a client that lost the answer to a submit asks for one to learn this.
_KEYS_HONOURED = {HONOURED_HEADER: "true"}

_log = logging.getLogger(__name__)


def create_app(store: JobStore, spool: Spool, work: Work, *, api_key: str | None = None) -> FastAPI:
    """
    Make the application; the caller starts and stops ``work``.

    :param api_key: what clients must send as the header ``api-key``; ``None`` lets everyone in.
    """
    # Clients of the API follow no redirect. No OpenAPI page: FastAPI cannot see the fields of a streamed form.
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    submits = _Submits(store, spool, work)

    @app.post("/classify")
    @app.post("/classify/")
    async def submit(request: Request) -> Response:
        body = request.stream()
        try:
            _authenticate(request, api_key)
            job_id = await submits.take(request, body)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody receives it.
        except Exception:
            await _discard(body)
            raise
        reply = Submission(job_id, JobStatus.QUEUED, "Classification started")
        return JSONResponse(reply.to_json(), 202, _KEYS_HONOURED)

    @app.get("/classify/{job_id}")
    def status(request: Request, job_id: str) -> Response:
        _authenticate(request, api_key)
        try:
            return JSONResponse(store.get(job_id).to_json())
        except JobNotFound as error:
            raise Refusal(404, "Job not found", headers=_KEYS_HONOURED) from error

    @app.delete("/classify/{job_id}")
    def cancel(request: Request, job_id: str) -> Response:
        _authenticate(request, api_key)
        try:
            work.cancel(job_id)
            return JSONResponse(store.get(job_id).to_json())
        except JobNotFound as error:
            raise Refusal(404, "Job not found") from error

    @app.get("/classify")
    def statuses(request: Request) -> Response:
        _authenticate(request, api_key)
        job_ids = request.query_params.getlist("job_id")
        if not 1 <= len(job_ids) <= MAX_STATUS_IDS:
            raise bad_request(f"Give 1 to {MAX_STATUS_IDS} job_id parameters")
        return JSONResponse(store.statuses(job_ids).to_json())

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.exception_handler(Refusal)
    async def refuse(_: Request, refusal: Refusal) -> Response:
        return refusal.response()

    @app.exception_handler(JobRecordUnavailable)
    async def without_record(_: Request, error: JobRecordUnavailable) -> Response:
        _log.error("%s", error, exc_info=error)
        return unavailable("job_record", "The service cannot reach its record of jobs; try again later").response()

    @app.exception_handler(Exception)
    async def crash(_: Request, __: Exception) -> Response:
        return JSONResponse({"detail": "The service failed on this request; see its log"}, 500)

    return app


class _Submits:
    """Takes a submit: when ``take`` returns, the document is on the disk and the job in the record."""

    def __init__(self, store: JobStore, spool: Spool, work: Work) -> None:
        self._store = store
        self._spool = spool
        self._work = work

    async def take(self, request: Request, body: AsyncIterator[bytes]) -> str:
        """
        Read the form, record the job, queue it and return its id.

        A second submit with the same ``Idempotency-Key`` gets the first one's job, and its own form is not kept.
        """
        idempotency_key = request.headers.get(IDEMPOTENCY_HEADER) or None
        if idempotency_key:
            if len(idempotency_key) > _LONGEST_KEY:
                raise bad_request(f"Idempotency-Key is longer than {_LONGEST_KEY} characters")
            if known := await run_in_threadpool(self._store.find, idempotency_key):
                await _discard(body)
                return known.job_id
        if int(request.headers.get("content-length", 0)) > self._spool.max_bytes + 2 * MAX_FIELD_BYTES:
            raise too_large("The form", self._spool.max_bytes)
        job_id = str(uuid.uuid4())
        self._work.reserve(job_id)
        try:
            recorded_id = await self._record(job_id, request.headers.get("content-type"), body, idempotency_key)
        except BaseException:
            self._work.release(job_id)
            raise
        if recorded_id == job_id:
            self._work.submit(job_id)
        else:
            self._work.release(job_id)
        return recorded_id

    async def _record(
        self, job_id: str, content_type: str | None, body: AsyncIterator[bytes], idempotency_key: str | None
    ) -> str:
        # A cancelled request (the service stops) may have been recorded already, so it keeps its document;
        # if it was not, the next start deletes that.
        try:
            form = await read_form(body, content_type, lambda: self._spool.create(job_id), self._spool.max_bytes)
            order = read_order(form)
            job = await run_in_threadpool(
                self._store.add,
                order.document,
                order.categories,
                job_id=job_id,
                file_url=order.file_url,
                idempotency_key=idempotency_key,
            )
        except Exception:
            await run_in_threadpool(self._spool.remove, job_id)
            raise
        if job.job_id != job_id:
            await run_in_threadpool(self._spool.remove, job_id)
        return job.job_id


def _authenticate(request: Request, api_key: str | None) -> None:
    given = request.headers.get("api-key", "")
    if api_key is not None and not hmac.compare_digest(given.encode("latin-1"), api_key.encode()):
        raise Refusal(401, "Invalid or missing API key; send it as the header api-key")


async def _discard(body: AsyncIterator[bytes]) -> None:
    """
    Read what is left of a body.

    A server that answers and closes in the middle of an upload resets the connection, and the client
    may lose the answer and see a broken connection instead.
    """
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for _ in body:
                pass
    except (TimeoutError, ClientDisconnect):
        _log.info("The rest of a refused upload was not read to its end.")
