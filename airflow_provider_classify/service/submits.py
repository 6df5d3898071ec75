"""Accept submits: store the document, record the job, and queue it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from airflow_provider_classify.exceptions import IdempotencyKeyReused
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.api_contract import IDEMPOTENCY_HEADER
from airflow_provider_classify.model.escalations import ESCALATIONS_HEADER, read_escalations
from airflow_provider_classify.model.job import Job, JobStatus, Submission
from airflow_provider_classify.model.trace import current_trace
from airflow_provider_classify.service.api_keys import Key, owned_idempotency_key
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.errors import HttpError, bad_request, too_large, too_slow
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.quotas import Quotas
from airflow_provider_classify.service.submit_form import MAX_FIELD_BYTES, read_form
from airflow_provider_classify.service.submit_request import SubmitRequest, read_request
from airflow_provider_classify.service.transfer_rate import Pace
from airflow_provider_classify.service.upload_limit import OpenUploads
from airflow_provider_classify.service.webhook_requests import WebhookRequests

#: The most characters of an idempotency key.
LONGEST_KEY = 255
#: Fields with at most this many characters together are checked in the event loop, longer ones in a thread.
_SHORT_FORM = 4096


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """
    The limits of uploads.

    :param open: the most uploads that are read at the same time.
    :param silent_seconds: when all places are taken, a new upload may replace an upload that has sent nothing for this
        many seconds.
    :param pace: the slowest rate of an upload.
    """

    open: int = 1024
    silent_seconds: float = 1.0
    pace: Pace = field(default_factory=Pace)


class Submits:
    """Accepts submits. Use it in one event loop."""

    def __init__(
        self,
        store: JobStore,
        documents: Documents,
        queue: JobQueue,
        quotas: Quotas,
        webhooks: WebhookRequests,
        events: Events,
        limits: UploadLimits,
    ) -> None:
        self._store = store
        self._documents = documents
        self._queue = queue
        self._quotas = quotas
        self._webhooks = webhooks
        self._events = events
        self._uploads = OpenUploads(limits.open, limits.pace, limits.silent_seconds)

    async def take(self, request: Request, body: AsyncIterator[bytes], owner: Key) -> Submission:
        """
        Read the form, store the document, record and queue the job, and return the reply.

        A repeated submit with the same ``Idempotency-Key`` gets the job of the first submit, and its own document is
        deleted.

        :raises HttpError: the submit is refused.
        :raises StorageFull: there is no space for the document.
        """
        key = await self._check_headers(request, owner)
        job_id = str(uuid.uuid4())
        try:
            submitted = await self._read(job_id, request, body, owner)
            escalations = read_escalations(request.headers.get(ESCALATIONS_HEADER))
            job = await run_in_threadpool(self._record, job_id, submitted, key, owner, escalations)
        except Exception as error:  # The document of a submit without a job must not stay.
            # This does not catch a request that is cancelled by a stop of the service. Its job may be recorded already,
            # so its document stays. Without a job, the document is deleted by the next start or by the cleaner.
            await run_in_threadpool(self._documents.remove, job_id)
            if isinstance(error, IdempotencyKeyReused):
                raise _key_reused(str(error)) from error
            raise
        if job.job_id == job_id:
            self._events.submitted(job_id, key=owner.name)
            self._queue.wake(to_fetch=submitted.file_url is not None)
        else:
            await run_in_threadpool(self._documents.remove, job_id)
        # Without a quota there is nothing to look up, so no thread is needed.
        remaining = None if owner.quota is None else await run_in_threadpool(self._quotas.remaining, owner)
        return Submission(job.job_id, JobStatus.QUEUED, "Classification started", quota_remaining=remaining)

    async def _check_headers(self, request: Request, owner: Key) -> str | None:
        """Return the idempotency key, if any. Refuse a submit that cannot be accepted, before its body is read."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpError(415, "Send the form as it is, without a Content-Encoding")
        if int(request.headers.get("content-length", 0)) > self._documents.max_bytes + 2 * MAX_FIELD_BYTES:
            raise too_large("The form", self._documents.max_bytes)
        key = request.headers.get(IDEMPOTENCY_HEADER) or None
        if key:
            if len(key) > LONGEST_KEY:
                raise bad_request(f"Idempotency-Key is longer than {LONGEST_KEY} characters")
            key = owned_idempotency_key(owner.name, key)
            if await run_in_threadpool(self._store.find, key):
                return key  # The job of this key exists already, so it needs no place and no quota.
        if owner.quota is not None or not self._queue.has_place:
            await run_in_threadpool(self._check_limits, owner)
        return key

    def _check_limits(self, owner: Key) -> None:
        self._quotas.check(owner)
        self._queue.check_place()

    async def _read(self, job_id: str, request: Request, body: AsyncIterator[bytes], owner: Key) -> SubmitRequest:
        content_type, length = request.headers.get("content-type"), request.headers.get("content-length")
        try:
            with self._uploads.admit(body) as upload, self._events.timed("receive"):
                form = await read_form(
                    upload,
                    content_type,
                    lambda: self._documents.create(job_id),
                    self._documents.max_bytes,
                    length=int(length) if length else None,
                )
        except TimeoutError as error:
            raise too_slow("The form arrived too slowly; send it again") from error
        is_short = sum(map(len, form.fields.values())) <= _SHORT_FORM
        submitted = read_request(form) if is_short else await run_in_threadpool(read_request, form)
        if submitted.webhook_url is not None:
            self._webhooks.check(submitted.webhook_url, owner)
        return submitted

    def _record(self, job_id: str, submitted: SubmitRequest, key: str | None, owner: Key, escalations: int) -> Job:
        fingerprint = submitted.fingerprint()
        if key and (known := self._store.find(key, fingerprint)):
            return known
        trace = current_trace()
        place = self._queue.place(to_fetch=submitted.file_url is not None, document_bytes=submitted.size)
        with place, ExitStack() as undo:
            taken = self._quotas.take(owner)
            undo.callback(self._quotas.give_back, owner, taken)
            if submitted.webhook_url is not None:
                self._webhooks.add(job_id, owner, submitted.webhook_url)
                undo.callback(self._webhooks.remove, job_id)
            job = self._store.add(
                submitted.document,
                submitted.categories,
                job_id=job_id,
                file_url=submitted.file_url,
                idempotency_key=key,
                fingerprint=fingerprint,
                for_workers=True,
                document_bytes=submitted.size,
                owner=owner.name,
                traceparent=trace.header() if trace else None,
                escalations=escalations,
            )
            if job.job_id == job_id:
                undo.pop_all()  # The job is new, so nothing is undone.
        return job


def _key_reused(detail: str) -> HttpError:
    error = {"type": "idempotency_key_reused", "loc": ["header", IDEMPOTENCY_HEADER], "msg": detail}
    return HttpError(422, [error])
