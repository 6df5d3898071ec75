"""The requests to the classify API, without I/O. Both drivers send them."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.model.api_contract import IDEMPOTENCY_HEADER, UNLESS_ENDED
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.escalations import escalation_headers
from airflow_provider_classify.model.job import require_job_id
from airflow_provider_classify.model.trace import outgoing_headers

SUBMIT_PATH = "/classify"
FILE_FIELD = "pdf_file"
#: A job id that no server assigns. The 404 for it proves that the server answers and accepts the api key.
NO_JOB = "00000000-0000-0000-0000-000000000000"
#: The slowest upload that is allowed, in bytes a second.
_SLOWEST_UPLOAD = 64 * 1024


class Request(NamedTuple):
    """
    A request to the API.

    :param path: the part after the base URL.
    :param what: names the document or job of the request in errors.
    :param timeout: the most seconds from connecting to the last byte of the reply, without the upload.
    :param form: the fields of the form.
    :param document: the file of the form.
    """

    method: str
    path: str
    what: str
    timeout: float
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    document: Document | None = None


def headers(settings: ApiSettings) -> dict[str, str]:
    """Return the headers of every request. Only they contain the api key."""
    key = {"api-key": settings.api_key} if settings.api_key else {}
    return {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"} | key


def submit_request(
    settings: ApiSettings, document: Document, categories: Sequence[Category], idempotency_key: str | None
) -> Request:
    """
    Return the request that submits a document. The API fetches a URL itself; any other document is uploaded.

    It continues the current trace, if there is one.
    """
    form = {"categories": json.dumps([category.to_json() for category in categories], ensure_ascii=False)}
    key = {IDEMPOTENCY_HEADER: idempotency_key} if idempotency_key else {}
    return Request(
        "POST",
        SUBMIT_PATH,
        what=f"the document {document.label}",
        timeout=settings.request_timeout,
        headers=key | outgoing_headers() | escalation_headers() or None,
        form=form | ({"file_url": document.file_url} if document.is_url else {}),
        document=None if document.is_url else document,
    )


def job_request(settings: ApiSettings, job_id: str, timeout: float | None = None) -> Request:
    """Return the request for a job. :raises InvalidJobId: the id is not valid."""
    limit = settings.request_timeout if timeout is None else min(timeout, settings.request_timeout)
    return Request("GET", job_path(job_id), what=f"job {job_id}", timeout=limit)


def cancel_request(settings: ApiSettings, job_id: str) -> Request:
    """
    Return the request to cancel a job unless it has ended.

    The classify service of this package deletes an ended job by the same request without ``unless_ended``.

    :raises InvalidJobId: the id is not valid.
    """
    path = f"{job_path(job_id)}?{UNLESS_ENDED}=true"
    return Request("DELETE", path, what=f"the cancel of job {job_id}", timeout=settings.request_timeout)


def statuses_request(settings: ApiSettings, job_ids: Sequence[str]) -> Request:
    """
    Return the request for the statuses of several jobs.

    :param job_ids: valid ids. The poller checks each id once, at the start of its wait, because a trigger asks for
        thousands of jobs a second.
    """
    path = f"{SUBMIT_PATH}?job_id=" + "&job_id=".join(job_ids)
    return Request("GET", path, what=f"the status of {len(job_ids)} jobs", timeout=settings.request_timeout)


def no_job_request(settings: ApiSettings, what: str) -> Request:
    """Return a request for :data:`NO_JOB`, whose reply shows what the server accepts and honours."""
    return Request("GET", job_path(NO_JOB), what=what, timeout=settings.request_timeout)


def job_path(job_id: str) -> str:
    """Return the path of a job. :raises InvalidJobId: the id is not valid."""
    return f"{SUBMIT_PATH}/{require_job_id(job_id)}"


def file_name(document: Document) -> str:
    """Return the file name of the upload, without characters that HTTP libraries escape in different ways."""
    return re.sub(r'[\x00-\x1f\x7f"\\\ud800-\udfff]', "_", document.name)


def content_type(document: Document) -> str:
    """Return the media type for the document's name. Some servers read it."""
    return mimetypes.guess_type(document.name)[0] or "application/octet-stream"


def upload_seconds(size: int) -> float:
    """Return the seconds that an upload of ``size`` bytes may add to a request."""
    return size / _SLOWEST_UPLOAD
