"""
The routes of the service.

The contract defines ``POST /classify`` and ``GET /classify/{job_id}``. This service adds
``GET /classify?job_id=…&job_id=…`` (the statuses of up to 500 jobs), ``DELETE /classify/{job_id}`` (cancel),
``GET /health``, ``/health/live`` and ``/health/ready``, ``GET /metrics`` and ``GET /openapi.json``.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import APIKeyHeader
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import ClientDisconnect

from airflow_provider_classify import __version__
from airflow_provider_classify.exceptions import JobNotFound, JobRecordUnavailable, StorageFull
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.api_contract import HONOURED_HEADER, MAX_STATUS_IDS
from airflow_provider_classify.model.job import JobStatus, Submission
from airflow_provider_classify.service import openapi
from airflow_provider_classify.service.errors import HttpError, bad_request, is_disk_full, no_room, unavailable
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.health import Part, add_health
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.submits import Submits, UploadLimits
from airflow_provider_classify.service.trace import TraceMiddleware
from airflow_provider_classify.service.upload_folder import UploadFolder
from airflow_provider_classify.service.worker import Worker

#: The service reads the rest of a refused upload for this many seconds, so that its sender sees the reply.
DISCARD_SECONDS = 30.0
#: Also sent with the 404 of an unknown job. A client that lost the reply to its submit requests an unknown job, to
#: learn whether the server honours keys.
_KEYS_HONOURED = {HONOURED_HEADER: "true"}
_KEY_HEADER = APIKeyHeader(name="api-key", auto_error=False)
_NO_ROOM = "The service has no space for another document; try again later"
_NO_RECORD = "The service cannot reach its record of jobs; try again later"
_NO_FOLDER = "The service cannot use its data folder; try again later"
_NO_ENGINE = "The service cannot start its engine; try again later"

_log = logging.getLogger(__name__)


def create_app(
    store: JobStore,
    folder: UploadFolder,
    worker: Worker,
    events: Events,
    *,
    api_key: str | None = None,
    upload_limits: UploadLimits | None = None,
    check_engine: Callable[[], None] | None = None,
) -> FastAPI:
    """
    Return the application; the caller starts and stops ``worker``.

    :param events: reports the events of the application, and has the metrics that it shows.
    :param api_key: the key that clients must send as the header ``api-key``; without a key, every client is accepted.
    :param check_engine: raises an error if the engine does not start; ``None`` for a process without the engine.
    """
    # Clients of the API do not follow redirects. The documentation pages would load scripts from the internet.
    app = FastAPI(title="Classify", version=__version__, redirect_slashes=False, docs_url=None, redoc_url=None)
    submits = Submits(store, folder, worker, events, upload_limits or UploadLimits())
    keyed = [Depends(_key_check(api_key))]
    _add_submit(app, submits, api_key)
    _add_jobs(app, store, worker, events, keyed=keyed)
    add_health(app, _parts(store, folder, check_engine), openapi.HEALTH_REPLIES)
    _add_metrics(app, events.metrics, keyed=keyed)
    _add_error_replies(app, events)
    app.add_middleware(TraceMiddleware)
    openapi.describe(app, keyed=api_key is not None)
    return app


def _add_submit(app: FastAPI, submits: Submits, api_key: str | None) -> None:
    # The function reads the form itself while it arrives. FastAPI only describes the form in the OpenAPI document.
    # The function also checks the key itself, because it reads the rest of a refused upload.
    @app.post(
        "/classify",
        status_code=202,
        summary="Submit a document",
        responses=openapi.SUBMIT_REPLIES,
        openapi_extra=openapi.SUBMIT_EXTRA,
    )
    @app.post("/classify/", include_in_schema=False)
    async def submit(request: Request) -> Response:
        body = request.stream()
        try:
            _check_key(request.headers.get("api-key"), api_key)
            job_id = await submits.take(request, body)
        except ClientDisconnect:
            return Response(status_code=400)  # The client does not receive it.
        except Exception:  # after any error, the rest of the upload is read before the reply
            await _discard(body)
            raise
        reply = Submission(job_id, JobStatus.QUEUED, "Classification started")
        return JSONResponse(reply.to_json(), 202, _KEYS_HONOURED)


def _add_jobs(app: FastAPI, store: JobStore, worker: Worker, events: Events, *, keyed: list[Any]) -> None:
    @app.get(
        "/classify/{job_id}",
        dependencies=keyed,
        summary="Get the status and the result of a job",
        responses=openapi.STATUS_REPLIES,
    )
    def status(job_id: str) -> Response:
        try:
            return JSONResponse(store.get(job_id).to_json())
        except JobNotFound as error:
            raise HttpError(404, "Job not found", headers=_KEYS_HONOURED) from error

    @app.delete("/classify/{job_id}", dependencies=keyed, summary="Cancel a job", responses=openapi.CANCEL_REPLIES)
    def cancel(job_id: str) -> Response:
        try:
            worker.cancel(job_id)
            events.cancelled(job_id)
            return JSONResponse(store.get(job_id).to_json())
        except JobNotFound as error:
            raise HttpError(404, "Job not found") from error

    @app.get(
        "/classify",
        dependencies=keyed,
        summary="Get the statuses of several jobs",
        responses=openapi.STATUSES_REPLIES,
        openapi_extra=openapi.STATUSES_EXTRA,
    )
    def statuses(request: Request) -> Response:
        job_ids = request.query_params.getlist("job_id")
        if not 1 <= len(job_ids) <= MAX_STATUS_IDS:
            raise bad_request(f"Send 1 to {MAX_STATUS_IDS} job_id parameters")
        return JSONResponse(store.statuses(job_ids).to_json())


def _parts(store: JobStore, folder: UploadFolder, check_engine: Callable[[], None] | None) -> list[Part]:
    parts = [
        Part("record", "job_record", _NO_RECORD, store.check),
        Part("disk", "data_folder", _NO_FOLDER, folder.check_writable),
    ]
    return parts + ([Part("engine", "engine", _NO_ENGINE, check_engine)] if check_engine else [])


def _add_metrics(app: FastAPI, metrics: Metrics, *, keyed: list[Any]) -> None:
    @app.get(
        "/metrics",
        dependencies=keyed,
        summary="Get the metrics for Prometheus",
        response_class=PlainTextResponse,
        responses=openapi.METRICS_REPLIES,
    )
    def show() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _add_error_replies(app: FastAPI, events: Events) -> None:
    @app.exception_handler(HttpError)
    async def refused(request: Request, error: HttpError) -> Response:
        events.refused(error, request.method, job_id=request.path_params.get("job_id"))
        return error.response()

    @app.exception_handler(StorageFull)
    async def without_room(request: Request, error: StorageFull) -> Response:
        _log.error("%s", error)
        return await refused(request, no_room(_NO_ROOM))

    @app.exception_handler(JobRecordUnavailable)
    async def without_record(request: Request, error: JobRecordUnavailable) -> Response:
        _log.error("%s", error, exc_info=error)
        full = is_disk_full(error)
        return await refused(request, no_room(_NO_ROOM) if full else unavailable("job_record", _NO_RECORD))

    @app.exception_handler(OSError)
    async def without_folder(request: Request, error: OSError) -> Response:
        _log.error("The data folder cannot be used: %s", error, exc_info=error)
        full = is_disk_full(error)
        return await refused(request, no_room(_NO_ROOM) if full else unavailable("data_folder", _NO_FOLDER))

    @app.exception_handler(Exception)
    async def crashed(_: Request, __: Exception) -> Response:
        return JSONResponse({"detail": "The service failed on this request; see its log"}, 500)


def _key_check(api_key: str | None) -> Any:
    def check(given: Annotated[str | None, Depends(_KEY_HEADER)]) -> None:
        _check_key(given, api_key)

    return check


def _check_key(given: str | None, api_key: str | None) -> None:
    if api_key is not None and not hmac.compare_digest((given or "").encode("latin-1"), api_key.encode()):
        raise HttpError(401, "Invalid or missing API key; send it as the header api-key")


async def _discard(body: AsyncIterator[bytes]) -> None:
    """
    Read and drop the rest of a body.

    A server that replies and closes in the middle of an upload resets the connection. The client may then see a
    broken connection instead of the reply.
    """
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for _ in body:
                pass
    except (TimeoutError, ClientDisconnect):
        _log.info("A refused upload did not end within %g seconds or was broken off.", DISCARD_SECONDS)
