"""
Create the application of the service, with its routes.

The contract of the classify API defines ``POST /classify`` and ``GET /classify/{job_id}``. This service adds

- ``GET /classify?job_id=…&job_id=…``: the statuses of up to 500 jobs,
- ``DELETE /classify/{job_id}``: cancel a job, or delete one that has ended,
- ``GET /health``, ``/health/live``, ``/health/ready``, ``/metrics`` and ``/openapi.json``,
- ``GET /``: a page for people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client.exposition import generate_latest
from starlette.requests import ClientDisconnect

from airflow_provider_classify import __version__
from airflow_provider_classify.exceptions import (
    JobCancelled,
    JobNotFound,
    JobRecordUnavailable,
    StorageError,
    StorageFull,
)
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.api_contract import HONOURED_HEADER, MAX_STATUS_IDS, UNLESS_ENDED
from airflow_provider_classify.service import openapi
from airflow_provider_classify.service.access import Access, owner
from airflow_provider_classify.service.dashboard.pictures import Pictures
from airflow_provider_classify.service.dashboard.routes import add_dashboard
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.errors import HttpError, bad_request, is_disk_full, no_room, unavailable
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.health import Part, add_health
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.quotas import Quotas
from airflow_provider_classify.service.status_reads import StatusReads, reply_body
from airflow_provider_classify.service.status_requests import StatusRequests
from airflow_provider_classify.service.submits import Submits, UploadLimits
from airflow_provider_classify.service.trace import TraceMiddleware
from airflow_provider_classify.service.webhook_requests import WebhookRequests

#: The media type of Prometheus's text format. Before 0.23, prometheus-client has no name for it.
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: The service reads the rest of a refused upload for this many seconds, so that its sender sees the reply.
DISCARD_SECONDS = 30.0
#: The header is also sent with the 404 of an unknown job. A client that lost the reply to its submit requests an
#: unknown job, to find out whether the server honours keys.
_KEYS_HONOURED = {HONOURED_HEADER: "true"}
_NO_ROOM = "The service has no space for another document; try again later"
_NO_RECORD = "The service cannot reach its record of jobs; try again later"
_NO_FOLDER = "The service cannot use its data folder; try again later"
_NO_STORAGE = "The service cannot use its storage of documents; try again later"
_NO_ENGINE = "The service cannot start its engine; try again later"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clients:
    """
    The objects that handle the clients of the application.

    :param access: admits the requests of clients.
    :param quotas: counts the documents of clients.
    :param webhooks: accepts the webhooks that clients ask for.
    """

    access: Access
    quotas: Quotas
    webhooks: WebhookRequests


def create_app(
    store: JobStore,
    documents: Documents,
    queue: JobQueue | None,
    clients: Clients,
    events: Events,
    *,
    upload_limits: UploadLimits | None = None,
    check_engine: Callable[[], None] | None = None,
) -> FastAPI:
    """
    Return the application.

    :param queue: the queue of jobs; ``None`` for a process that only classifies. Its application has only the routes
        for health, metrics and the OpenAPI document.
    :param events: reports the events of the application, and has the metrics that ``/metrics`` shows.
    :param check_engine: raises an error if the engine does not start; ``None`` for a process without the engine.
    """
    # Clients of the API do not follow redirects. The documentation pages would load scripts from the internet.
    app = FastAPI(title="Classify", version=__version__, redirect_slashes=False, docs_url=None, redoc_url=None)
    reads = StatusReads(store)
    if queue is not None:
        limits = upload_limits or UploadLimits()
        submits = Submits(store, documents, queue, clients.quotas, clients.webhooks, events, limits)
        _add_submit(app, submits, clients.access)
        pictures = Pictures(store)
        _add_jobs(app, store, reads, queue, pictures, clients, events)
        add_dashboard(app, store, pictures, clients.access)
    add_health(app, _parts(store, documents, check_engine), openapi.HEALTH_REPLIES)
    _add_metrics(app, events.metrics, clients.access)
    _add_error_replies(app, events)
    app.add_middleware(TraceMiddleware)
    if queue is not None:
        app.add_middleware(StatusRequests, access=clients.access, reads=reads)
    openapi.describe(app, keyed=clients.access.needs_key)
    return app


def _add_submit(app: FastAPI, submits: Submits, access: Access) -> None:
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
            reply = await submits.take(request, body, access.admit(request))
        except ClientDisconnect:
            return Response(status_code=400)  # The client does not receive it.
        except Exception:  # after any error, the rest of the upload is read before the reply
            await _discard(body)
            raise
        return JSONResponse(reply.to_json(), 202, _KEYS_HONOURED)


def _add_jobs(
    app: FastAPI,
    store: JobStore,
    reads: StatusReads,
    queue: JobQueue,
    pictures: Pictures,
    clients: Clients,
    events: Events,
) -> None:
    keyed = [Depends(clients.access.client)]

    @app.get(
        "/classify/{job_id}",
        dependencies=keyed,
        summary="Get the status and the result of a job",
        responses=openapi.STATUS_REPLIES,
    )
    async def status(request: Request, job_id: str) -> Response:
        row = await reads.row(job_id)
        if row is None or row.owner != owner(request):
            raise HttpError(404, "Job not found", headers=_KEYS_HONOURED)
        return Response(reply_body(row), media_type="application/json")

    @app.delete(
        "/classify/{job_id}",
        dependencies=keyed,
        summary="Cancel and delete a job",
        responses=openapi.CANCEL_REPLIES,
        openapi_extra=openapi.CANCEL_EXTRA,
    )
    def delete(request: Request, job_id: str) -> Response:
        flag = request.query_params.get(UNLESS_ENDED, "false")
        if flag not in ("true", "false"):
            raise bad_request(f"{UNLESS_ENDED} must be true or false")
        unless_ended = flag == "true"
        try:
            job = queue.delete(job_id, owner=owner(request), unless_ended=unless_ended)
        except JobNotFound as error:
            raise HttpError(404, "Job not found") from error
        if unless_ended and job.error_kind != JobCancelled.__name__:
            return JSONResponse(job.to_json())
        pictures.delete(job_id)
        clients.webhooks.remove(job_id)
        events.deleted(job_id)
        return JSONResponse(job.to_json())

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
        return JSONResponse(store.statuses(job_ids, owner=owner(request)).to_json())


def _parts(store: JobStore, documents: Documents, check_engine: Callable[[], None] | None) -> list[Part]:
    parts = [Part("record", store.check, _without_record), Part("disk", documents.check_writable, _without_documents)]
    return parts + ([Part("engine", check_engine, _without_engine)] if check_engine else [])


def _add_metrics(app: FastAPI, metrics: Metrics, access: Access) -> None:
    @app.get(
        "/metrics",
        dependencies=[Depends(access.operator)],
        summary="Get the metrics for Prometheus",
        response_class=PlainTextResponse,
        responses=openapi.METRICS_REPLIES,
    )
    def show() -> Response:
        return Response(generate_latest(metrics.registry), media_type=_METRICS_TYPE)


def _add_error_replies(app: FastAPI, events: Events) -> None:
    @app.exception_handler(HttpError)
    async def refused(request: Request, error: HttpError) -> Response:
        events.refused(error, request.method, key=owner(request), job_id=request.path_params.get("job_id"))
        return error.response()

    @app.exception_handler(JobRecordUnavailable)
    async def without_record(request: Request, error: JobRecordUnavailable) -> Response:
        _log.error("%s", error, exc_info=error)
        return await refused(request, no_room(_NO_ROOM) if is_disk_full(error) else _without_record(error))

    @app.exception_handler(StorageFull)
    @app.exception_handler(StorageError)
    @app.exception_handler(OSError)
    async def without_documents(request: Request, error: Exception) -> Response:
        _log.error("The documents cannot be stored: %s", error, exc_info=error)
        is_full = isinstance(error, StorageFull) or is_disk_full(error)
        return await refused(request, no_room(_NO_ROOM) if is_full else _without_documents(error))

    @app.exception_handler(Exception)
    async def crashed(_: Request, __: Exception) -> Response:
        return JSONResponse({"detail": "The service failed on this request; see its log"}, 500)


def _without_record(_: Exception) -> HttpError:
    return unavailable("job_record", _NO_RECORD)


def _without_documents(error: Exception) -> HttpError:
    if isinstance(error, StorageError):
        return unavailable("document_storage", _NO_STORAGE)
    return unavailable("data_folder", _NO_FOLDER)


def _without_engine(_: Exception) -> HttpError:
    return unavailable("engine", _NO_ENGINE)


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
