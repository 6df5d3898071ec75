"""
The routes of the service.

The contract defines ``POST /classify`` and ``GET /classify/{job_id}``. This service adds
``GET /classify?job_id=…&job_id=…`` (the statuses of up to 500 jobs), ``DELETE /classify/{job_id}`` (cancel and delete),
``GET /health`` and ``GET /openapi.json``. People see a page at ``/``.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import APIKeyHeader
from starlette.requests import ClientDisconnect

from airflow_provider_classify import __version__
from airflow_provider_classify.exceptions import JobNotFound, JobRecordUnavailable, StorageError, StorageFull
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.api_contract import HONOURED_HEADER, IDEMPOTENCY_HEADER, MAX_STATUS_IDS
from airflow_provider_classify.model.job import JobStatus, Submission
from airflow_provider_classify.service.dashboard.pictures import Pictures
from airflow_provider_classify.service.dashboard.routes import add_dashboard
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.errors import HttpError, bad_request, is_disk_full, no_room, unavailable
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.status_reads import StatusReads, reply_body
from airflow_provider_classify.service.submits import Submits, UploadLimits

#: The service reads the rest of a refused upload for this many seconds, so that its sender sees the reply.
DISCARD_SECONDS = 30.0
#: Also sent with the 404 of an unknown job. A client that lost the reply to its submit requests an unknown job, to
#: learn whether the server honours keys.
_KEYS_HONOURED = {HONOURED_HEADER: "true"}
_KEY_HEADER = APIKeyHeader(name="api-key", auto_error=False)
_NO_ROOM = "The service has no space for another document; try again later"
_NO_RECORD = "The service cannot reach its record of jobs; try again later"
_NO_FOLDER = "The service cannot use its data folder; try again later"
_NO_STORAGE = "The service cannot use its storage of documents; try again later"

_log = logging.getLogger(__name__)


def create_app(
    store: JobStore,
    documents: Documents,
    queue: JobQueue | None,
    *,
    api_key: str | None = None,
    upload_limits: UploadLimits | None = None,
) -> FastAPI:
    """
    Return the application.

    :param queue: the queue of jobs; ``None`` for the application of a process that only works and serves no jobs.
    :param api_key: the key that clients must send as the header ``api-key``; without a key, every client is accepted.
    """
    # Clients of the API do not follow redirects. The documentation pages would load scripts from the internet.
    app = FastAPI(title="Classify", version=__version__, redirect_slashes=False, docs_url=None, redoc_url=None)
    if queue is not None:
        _add_submit(app, Submits(store, documents, queue, upload_limits or UploadLimits()), api_key)
        keyed = [Depends(_key_check(api_key))]
        pictures = Pictures(store)
        _add_jobs(app, store, queue, pictures, keyed=keyed)
        add_dashboard(app, store, pictures, keyed=keyed, needs_key=api_key is not None)
    _add_health(app, store, documents)
    _add_error_replies(app)
    return app


def _add_submit(app: FastAPI, submits: Submits, api_key: str | None) -> None:
    # The function reads the form itself while it arrives. FastAPI only describes the form in the OpenAPI document.
    # The function also checks the key itself, because it reads the rest of a refused upload.
    @app.post("/classify", status_code=202, summary="Submit a document", openapi_extra=_SUBMIT_OPENAPI)
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


def _add_jobs(app: FastAPI, store: JobStore, queue: JobQueue, pictures: Pictures, *, keyed: list[Any]) -> None:
    reads = StatusReads(store)

    @app.get("/classify/{job_id}", dependencies=keyed, summary="Get the status and the result of a job")
    async def status(job_id: str) -> Response:
        row = await reads.row(job_id)
        if row is None:
            raise HttpError(404, "Job not found", headers=_KEYS_HONOURED)
        return Response(reply_body(row), media_type="application/json")

    @app.delete("/classify/{job_id}", dependencies=keyed, summary="Cancel and delete a job")
    def delete(job_id: str) -> Response:
        try:
            job = queue.delete(job_id)
            pictures.delete(job_id)
            return JSONResponse(job.to_json())
        except JobNotFound as error:
            raise HttpError(404, "Job not found") from error

    @app.get("/classify", dependencies=keyed, summary="Get the statuses of several jobs")
    def statuses(job_id: Annotated[list[str], Query(default_factory=list)]) -> Response:
        if not 1 <= len(job_id) <= MAX_STATUS_IDS:
            raise bad_request(f"Send 1 to {MAX_STATUS_IDS} job_id parameters")
        return JSONResponse(store.statuses(job_id).to_json())


def _add_health(app: FastAPI, store: JobStore, documents: Documents) -> None:
    @app.get("/health", summary="Check that the service works")
    def health() -> Response:
        try:
            store.check()
            documents.check_writable()
        except JobRecordUnavailable as error:
            _log.error("%s", error, exc_info=error)
            return unavailable("job_record", _NO_RECORD).response()
        except (StorageFull, OSError) as error:
            _log.error("The data folder cannot be used: %s", error, exc_info=error)
            return unavailable("data_folder", _NO_FOLDER).response()
        except StorageError as error:
            _log.error("%s", error, exc_info=error)
            return unavailable("document_storage", _NO_STORAGE).response()
        return JSONResponse({"status": "ok"})


def _add_error_replies(app: FastAPI) -> None:
    @app.exception_handler(HttpError)
    async def refused(_: Request, error: HttpError) -> Response:
        return error.response()

    @app.exception_handler(StorageFull)
    async def without_room(_: Request, error: StorageFull) -> Response:
        _log.error("%s", error)
        return no_room(_NO_ROOM).response()

    @app.exception_handler(JobRecordUnavailable)
    async def without_record(_: Request, error: JobRecordUnavailable) -> Response:
        _log.error("%s", error, exc_info=error)
        return (no_room(_NO_ROOM) if is_disk_full(error) else unavailable("job_record", _NO_RECORD)).response()

    @app.exception_handler(StorageError)
    async def without_storage(_: Request, error: StorageError) -> Response:
        _log.error("%s", error, exc_info=error)
        return unavailable("document_storage", _NO_STORAGE).response()

    @app.exception_handler(OSError)
    async def without_folder(_: Request, error: OSError) -> Response:
        _log.error("The data folder cannot be used: %s", error, exc_info=error)
        return (no_room(_NO_ROOM) if is_disk_full(error) else unavailable("data_folder", _NO_FOLDER)).response()

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


_FIELDS = {
    "categories": {"type": "string", "description": 'JSON, such as [{"name": "invoice", "description": "optional"}]'},
    "file_url": {"type": "string", "format": "uri", "description": "Where to fetch the document from"},
}
_FILE = {"pdf_file": {"type": "string", "format": "binary", "description": "The document"}}
_SUBMIT_OPENAPI: dict[str, Any] = {
    "security": [{"APIKeyHeader": []}],
    "parameters": [
        {"name": IDEMPOTENCY_HEADER, "in": "header", "required": False, "schema": {"type": "string", "maxLength": 255}}
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["categories"], "properties": _FIELDS | _FILE}
            },
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "required": ["categories", "file_url"], "properties": _FIELDS}
            },
        },
    },
}
