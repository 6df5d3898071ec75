"""
The local engine as a backend: no account, no network, the work done where the task runs.

A submit classifies at once, in a child process with limits on time and memory, and records the
job; ``get`` reads the record. So the executor that a user already has is the distributed engine,
and a sensor on another worker works as it does for the API, if the record is one that it can reach
(``[classify] jobs_url``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify import polling
from airflow_provider_classify.backends.poller import Poller
from airflow_provider_classify.backends.settings import Settings
from airflow_provider_classify.contract import MAX_STATUS_IDS, Category, Job, JobStatus, Submission
from airflow_provider_classify.documents import Document
from airflow_provider_classify.exceptions import ClassifyError, DocumentError, ExtraNotInstalled

if TYPE_CHECKING:
    from airflow_provider_classify.engine.process import EngineProcess
    from airflow_provider_classify.jobs import JobStore

_NEEDED = ("pymupdf", "PIL", "onnxruntime", "rapidocr")


def default_jobs_url() -> str:
    """Where jobs are recorded: ``[classify] jobs_url``, else a SQLite file under Airflow's home."""
    url = conf.get("classify", "jobs_url", fallback="")
    if url:
        return str(url)
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return f"sqlite:///{home / 'classify' / 'jobs.db'}"


def own_document_types() -> Path | None:
    """The folder of the user's own document types: ``[classify] document_types``, if set."""
    folder = conf.get("classify", "document_types", fallback="")
    return Path(folder).expanduser() if folder else None


class LocalBackend:
    """The engine in a child process of this one, and its record of jobs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _store(self) -> JobStore:
        from airflow_provider_classify.jobs import JobStore

        return JobStore(default_jobs_url())

    def submit(self, document: Document, categories: Sequence[Category]) -> Submission:
        """
        Classify now and record the outcome, as the API would record it: a document that cannot be
        classified is a failed job. What cannot be submitted at all is raised.

        :raises DocumentError: missing, empty, too large or not readable; nothing is recorded.
        :raises ExtraNotInstalled: without the ``local`` extra.
        :raises InvalidDocumentTypes: the user's own document types cannot be used.
        """
        _require_extra()
        with document.local_copy() as path:
            job_id = self._store.add(document.label, categories).job_id
            self._store.start(job_id)
            try:
                with self._engine() as engine:
                    result = engine.classify(path, categories, name=document.label)
            except ClassifyError as error:
                self._store.fail(job_id, error)
                if not isinstance(error, DocumentError):
                    raise
            else:
                self._store.complete(job_id, result)
        return Submission(job_id=job_id, status=self.get(job_id).status, message="Classified by the local engine")

    def _engine(self) -> EngineProcess:
        from airflow_provider_classify.engine.process import EngineProcess

        return EngineProcess(
            seconds=self._settings.document_timeout,
            max_pages=self._settings.max_pages,
            document_types=own_document_types(),
        )

    def get(self, job_id: str) -> Job:
        """Read the record. :raises JobNotFound: none, or pruned."""
        return self._store.get(job_id)

    def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Read where several jobs stand; a job that is not in the record has a :class:`JobNotFound`."""
        from airflow_provider_classify.jobs import not_recorded

        found = self._store.statuses(job_ids)
        return {**found.by_id, **{job_id: not_recorded(job_id) for job_id in found.not_found}}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[LocalJobs]:
        """Give the same calls to an event loop, each on a thread."""
        jobs = LocalJobs(self)
        try:
            yield jobs
        finally:
            await jobs.poller.close()

    def check(self) -> str:
        """Look for the engine's libraries, read the document types and open the record."""
        _require_extra()
        from airflow_provider_classify.engine.knowledge import load_knowledge

        load_knowledge(own_document_types())
        self._store  # noqa: B018 - opening is the check
        return "The local engine is installed and its record of jobs opens."


class LocalJobs:
    """The local backend from an event loop: SQLite and the child process block, so a thread takes them."""

    group_size = MAX_STATUS_IDS

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        self.poller = Poller(self, rate=None)

    async def submit(self, document: Document, categories: Sequence[Category]) -> Submission:
        """As :meth:`LocalBackend.submit`."""
        return await asyncio.to_thread(self._backend.submit, document, categories)

    async def get(self, job_id: str) -> Job:
        """As :meth:`LocalBackend.get`."""
        return await asyncio.to_thread(self._backend.get, job_id)

    async def watch(self, wait: polling.Wait) -> polling.Ended | polling.GaveUp:
        """Wait until a job has ended: one of another worker, or one that a killed task left behind."""
        return await self.poller.watch(wait)

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Look at jobs in one query. :raises JobRecordUnavailable: the record is out of reach."""
        return await asyncio.to_thread(self._backend.statuses, job_ids)


def _require_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ExtraNotInstalled(
            f"The local engine needs {', '.join(missing)}; install airflow-provider-classify[local], "
            "or give the task a connection to a classify API."
        )
