"""Fetch the documents of jobs that name a URL, in an event loop that runs in its own thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from airflow_provider_classify.exceptions import JobNotFound, JobRecordUnavailable
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.fetch_url import FetchLimits, UrlFetcher
from airflow_provider_classify.service.upload_folder import Upload, UploadFolder

_log = logging.getLogger(__name__)


class FetchJobs:
    """
    Fetches the documents of jobs into the folder.

    :param fetched: a function that is called in another thread with the id of each job whose document was fetched.
    :param failed: a function that is called in another thread with the id and the error of each job whose document was
        not fetched.
    :param record_retry_seconds: seconds until a job is tried again after its record could not be read or written.
    """

    def __init__(
        self,
        store: JobStore,
        folder: UploadFolder,
        *,
        fetched: Callable[[str], None],
        failed: Callable[[str, Exception], None],
        events: Events,
        allow_private: bool,
        limits: FetchLimits,
        record_retry_seconds: float,
    ) -> None:
        self._store = store
        self._folder = folder
        self._fetched = fetched
        self._failed = failed
        self._events = events
        self._allow_private = allow_private
        self._limits = limits
        self._record_retry_seconds = record_retry_seconds
        self._loop = asyncio.new_event_loop()
        # Each fetch needs two threads. One looks up the host name, which may take long. The other writes the document.
        self._loop.set_default_executor(ThreadPoolExecutor(2 * limits.concurrent, "classify-fetch"))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._run_loop, name="classify-fetch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, job_id: str) -> None:
        """Fetch the document of a recorded job."""
        self._loop.call_soon_threadsafe(self._add, job_id)

    def cancel(self, job_id: str) -> None:
        """Stop the fetch of a job's document, if there is one."""
        self._loop.call_soon_threadsafe(self._cancel, job_id)

    def stop(self, seconds: float) -> None:
        """Cancel every fetch, and wait up to ``seconds`` for the thread to end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._fetcher = UrlFetcher(allow_private=self._allow_private, limits=self._limits)
        self._loop.run_forever()
        self._loop.run_until_complete(self._cancel_all())
        self._loop.close()

    async def _cancel_all(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, job_id: str) -> None:
        task = self._loop.create_task(self._fetch(job_id))
        self._tasks[job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job_id, None))

    def _cancel(self, job_id: str) -> None:
        if task := self._tasks.get(job_id):
            task.cancel()

    async def _fetch(self, job_id: str) -> None:
        while True:
            try:
                await self._download(job_id)
                await asyncio.to_thread(self._fetched, job_id)
                return
            except JobRecordUnavailable:
                _log.exception("The record of the job %s cannot be reached; the job is tried again.", job_id)
                await asyncio.sleep(self._record_retry_seconds)
            except JobNotFound:
                return
            except Exception as error:  # after any error, the job must end as failed
                await self._fail(job_id, error)
                return

    async def _fail(self, job_id: str, error: Exception) -> None:
        try:
            await asyncio.to_thread(self._failed, job_id, error)
        except Exception:
            # After any error, the other fetches must continue. The next start of the service runs the job again.
            _log.exception("The end of the job %s could not be recorded.", job_id)

    async def _download(self, job_id: str) -> None:
        request = await asyncio.to_thread(self._store.request, job_id)
        if request.file_url is None:
            return  # The job was cancelled, or it is an upload whose file is missing; the worker checks which.
        uploads: list[Upload] = []

        async def begin() -> None:
            uploads.append(self._folder.create(job_id))
            await asyncio.to_thread(self._store.start, job_id)

        async def write(piece: bytes) -> None:
            await asyncio.to_thread(uploads[0].write, piece)

        try:
            with self._events.timed("fetch"):
                await self._fetcher.fetch(request.file_url, write, begin)
                await asyncio.to_thread(uploads[0].commit)
        except BaseException:
            for upload in uploads:
                upload.discard()
            raise
