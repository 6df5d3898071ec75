"""Fetch the documents of jobs that name a URL, in an event loop that runs in its own thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from airflow_provider_classify.exceptions import JobNotFound, JobRecordUnavailable
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import Claim
from airflow_provider_classify.model.trace import enter_trace
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.fetch_url import FetchLimits, UrlFetcher
from airflow_provider_classify.service.leases import Leases
from airflow_provider_classify.service.upload_folder import Upload

#: The most claimed jobs for each fetch that can run. It is more than one, so that jobs of a slow host do not delay the
#: jobs of other hosts.
_CLAIMS_PER_FETCH = 16

_log = logging.getLogger(__name__)


class FetchJobs:
    """
    Claims the jobs whose documents must be fetched, and stores the documents.

    :param fetched: a function that is called in another thread when a document has been fetched.
    :param failed: a function that is called in another thread with each job whose document was not fetched.
    :param poll_seconds: seconds between two searches for jobs that other processes have added.
    :param record_retry_seconds: seconds until a job is tried again after its record could not be read or written.
    """

    def __init__(
        self,
        store: JobStore,
        documents: Documents,
        leases: Leases,
        *,
        fetched: Callable[[], None],
        failed: Callable[[Claim, Exception], None],
        events: Events,
        allow_private: bool,
        limits: FetchLimits,
        poll_seconds: float,
        record_retry_seconds: float,
    ) -> None:
        self._store = store
        self._documents = documents
        self._leases = leases
        self._fetched = fetched
        self._failed = failed
        self._events = events
        self._fetcher = UrlFetcher(allow_private=allow_private, limits=limits)
        self._most_claims = _CLAIMS_PER_FETCH * limits.concurrent
        self._poll_seconds = poll_seconds
        self._record_retry_seconds = record_retry_seconds
        self._loop = asyncio.new_event_loop()
        # Each fetch needs two threads. One looks up the host name, which may take long. The other writes the document.
        self._loop.set_default_executor(ThreadPoolExecutor(2 * limits.concurrent, "classify-fetch"))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._thread = threading.Thread(target=self._run_loop, name="classify-fetch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Look for jobs now, because one was added."""
        self._call(self._wake.set)

    def cancel(self, job_id: str) -> None:
        """Stop the fetch of a job's document, if there is one."""
        self._call(self._cancel, job_id)

    def stop(self, seconds: float) -> None:
        """Cancel every fetch, and wait up to ``seconds`` for the thread to end."""
        self._call(self._loop.stop)
        self._thread.join(seconds)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # A stop has closed the loop.
            self._loop.call_soon_threadsafe(function, *arguments)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        claiming = self._loop.create_task(self._claim_all())
        self._loop.run_forever()
        self._loop.run_until_complete(self._cancel_all(claiming))
        self._loop.close()

    async def _cancel_all(self, claiming: asyncio.Task[None]) -> None:
        tasks = [claiming, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _claim_all(self) -> None:
        while True:
            self._wake.clear()
            try:
                while len(self._tasks) < self._most_claims:
                    claim = await asyncio.to_thread(self._store.queue.claim_fetch)
                    if claim is None:
                        break
                    self._add(claim)
            except Exception:  # After any error, the documents of later jobs must be fetched.
                _log.exception("No job could be claimed to fetch its document; this is tried again.")
                await asyncio.sleep(self._record_retry_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()

    def _add(self, claim: Claim) -> None:
        task = self._loop.create_task(self._fetch(claim))
        self._tasks[claim.job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(claim.job_id, None))

    def _cancel(self, job_id: str) -> None:
        if task := self._tasks.get(job_id):
            task.cancel()

    async def _fetch(self, claim: Claim) -> None:
        with self._leases.held(claim):
            while True:
                try:
                    await self._download(claim)
                    return
                except JobRecordUnavailable:
                    _log.exception("The record of the job %s cannot be reached; the job is tried again.", claim.job_id)
                    await asyncio.sleep(self._record_retry_seconds)
                except JobNotFound:
                    return
                except asyncio.CancelledError:
                    await asyncio.to_thread(self._give_back, claim)
                    raise
                except Exception as error:  # after any error, the job must end as failed
                    await self._fail(claim, error)
                    return

    async def _fail(self, claim: Claim, error: Exception) -> None:
        try:
            await asyncio.to_thread(self._failed, claim, error)
        except Exception:
            # After any error, the other fetches must continue. The lease of this job expires, and it runs again.
            _log.exception("The end of the job %s could not be recorded.", claim.job_id)

    def _give_back(self, claim: Claim) -> None:
        """Return a job whose fetch was stopped to the queue. If a client has deleted the job, this changes nothing."""
        try:
            self._store.queue.give_back(claim)
        except JobRecordUnavailable:
            _log.exception("The job %s is fetched again when its lease has expired.", claim.job_id)

    async def _download(self, claim: Claim) -> None:
        request = await asyncio.to_thread(self._store.request, claim.job_id)
        enter_trace(request.traceparent)
        if request.file_url is None:
            return  # A client has cancelled the job, so the record has no URL any more.
        uploads: list[Upload] = []

        async def begin() -> None:
            uploads.append(await asyncio.to_thread(self._documents.create, claim.job_id))
            await asyncio.to_thread(self._store.queue.begin, claim)

        async def write(piece: bytes) -> None:
            await asyncio.to_thread(uploads[0].write, piece)

        try:
            with self._events.timed("fetch"):
                await self._fetcher.fetch(request.file_url, write, begin)
                await asyncio.to_thread(uploads[0].commit)
            stored = await asyncio.to_thread(self._store.queue.store_document, claim, uploads[0].size)
        except BaseException:
            for upload in uploads:
                upload.discard()
            raise
        if stored:
            self._fetched()
        elif await asyncio.to_thread(self._store.has_ended, claim.job_id):
            uploads[0].discard()
