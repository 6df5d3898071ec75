"""
The local engine as a backend, which needs no account and no network.

A submit classifies at once, in a child process with limits on time and memory, and records the job. ``get`` reads the
record. A sensor on another worker can also get the job, if it can reach the record (``[classify] jobs_url``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify import __version__
from airflow_provider_classify.api.poller import OnLooked, Poller, ignore_looks
from airflow_provider_classify.documents.allowed_roots import require_allowed_examples
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.example_folder import examples_version, with_listed_examples
from airflow_provider_classify.exceptions import ClassifyError, DocumentError, JobNotFound
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.local.options import (
    engine_options,
    learned_model,
    ocr_models,
    own_document_types,
    sentence_model,
)
from airflow_provider_classify.local.settings import LocalSettings
from airflow_provider_classify.local.thumbnails import draw_small
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.api_contract import MAX_STATUS_IDS
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus, Submission, require_job_id

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork
    from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
    from airflow_provider_classify.local.job_store import JobStore


def default_jobs_url() -> str:
    """Return the URL of the record: ``[classify] jobs_url``, or by default a SQLite file under Airflow's home."""
    url = conf.get("classify", "jobs_url", fallback="")
    if url:
        return str(url)
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return f"sqlite:///{home / 'classify' / 'jobs.db'}"


class LocalBackend:
    """
    The engine in a child process, and its record of jobs.

    :param on_looked: counts the jobs that a session of :meth:`connect` asks for.
    :param thumbnails: whether a submit also draws the first page of its document.
    """

    backend_name: ClassVar[str] = "local"
    resubmit_is_free: ClassVar[bool] = True

    def __init__(
        self, settings: LocalSettings, *, on_looked: OnLooked = ignore_looks, thumbnails: bool = False
    ) -> None:
        self._settings = settings
        self.on_looked = on_looked
        self._thumbnails = thumbnails and settings.evidence
        #: Whether the last submit has drawn its document, and the picture; see :mod:`~.thumbnails`.
        self.has_drawn = False
        self.thumbnail: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing. There are no connections to close."""

    @cached_property
    def _store(self) -> JobStore:
        from airflow_provider_classify.local.job_store import JobStore

        return JobStore(default_jobs_url())

    def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """
        Classify a document, record the job, and return it. A document that cannot be classified is a failed job.

        If the ``idempotency_key`` has a completed job, return that job. If its job has not ended, a worker was killed
        during the job, because jobs run inside their task. Then run that job again.

        :raises DocumentError: the document is missing, empty, too large, not readable or not allowed, or an example
            is not allowed. No job is recorded.
        :raises ExtraNotInstalled: the ``local`` extra is not installed.
        :raises InvalidDocumentTypes: the user's own document types cannot be used.
        :raises SentenceModelNotUsable: the user's sentence model cannot be used.
        """
        _require_extra()
        categories = with_listed_examples(categories)
        require_allowed_examples(categories)
        self.has_drawn = False
        with document.local_copy() as path, self._engine() as engine:
            job = self._job_for(document, categories, idempotency_key)
            job_id = job.job_id
            if job.status is JobStatus.COMPLETED:
                return Submission(job_id=job_id, status=job.status, message="Classified by an earlier submit")
            self._store.start(job_id)
            try:
                result = engine.classify(path, categories, name=document.label)
            except ClassifyError as error:
                self._store.fail(job_id, error)
                if not isinstance(error, DocumentError):
                    raise
            else:
                self._store.complete(job_id, result if self._settings.evidence else result.without_text())
                if self._thumbnails:  # the process has the document's parser in memory
                    self.has_drawn, self.thumbnail = True, draw_small(engine, path, document.label)
        return Submission(job_id=job_id, status=self.get(job_id).status, message="Classified by the local engine")

    def _job_for(self, document: Document, categories: Sequence[Category], idempotency_key: str | None) -> Job:
        known = self._store.find(idempotency_key) if idempotency_key else None
        if known is None:
            return self._store.add(document.label, categories, idempotency_key=idempotency_key)
        if known.status is JobStatus.FAILED:  # the failed job keeps its error and its key
            return self._store.add(document.label, categories)
        return known

    def _engine(self) -> EngineProcess:
        from airflow_provider_classify.engine.sandbox.pool import EngineProcess

        return EngineProcess(engine_options(self._settings))

    def pool(self) -> EnginePool:
        """Return a pool with an engine process for each core. The caller closes it."""
        _require_extra()
        from airflow_provider_classify.engine.sandbox.pool import EnginePool

        return EnginePool(options=engine_options(self._settings))

    def run_batch(self, work: BatchWork) -> None:
        """Classify the documents of a batch in parallel. Only the batch's record gets the results."""
        from airflow_provider_classify.batch.local_run import run_locally

        with self.pool() as pool:
            run_locally(pool, work)

    def get(self, job_id: str, *, timeout: float | None = None) -> Job:
        """Return a job from the record. :raises JobNotFound: the job does not exist, or it has expired."""
        return self._store.get(require_job_id(job_id))

    def cancel(self, job_id: str) -> Job | None:
        """Record an unfinished job as cancelled, which ends all waits for it. Its process ends with its task."""
        try:
            self._store.cancel(require_job_id(job_id))
            return self._store.get(job_id)
        except JobNotFound:
            return None

    def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Return the statuses of several jobs, and a :class:`JobNotFound` for each job that is not in the record."""
        from airflow_provider_classify.local.job_table import not_recorded

        found = self._store.statuses(job_ids)
        return {**found.by_id, **{job_id: not_recorded(job_id) for job_id in found.not_found}}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[LocalSession]:
        """Open a session, which runs each call on a thread."""
        session = LocalSession(self)
        try:
            yield session
        finally:
            await session.poller.close()

    def identity(self, categories: Sequence[Category] = ()) -> str:
        """Return the versions of engine, knowledge, models and examples, and the options that change results."""
        from airflow_provider_classify.engine.knowledge.load import load_knowledge
        from airflow_provider_classify.engine.learned.model_file import read_model_file

        knowledge = load_knowledge(own_document_types()).version
        _, model = read_model_file(learned_model())
        identity = f"local engine {__version__}, knowledge {knowledge}, model {model}, {self._settings.max_pages} pages"
        if self._settings.ocr != "auto":
            identity += f", OCR {self._settings.ocr}"
        if folder := ocr_models():
            from airflow_provider_classify.engine.ocr.script_models import models_in

            identity += "".join(f", {file.stem}" for file in models_in(folder).values())
        if self._settings.attachments != "ignore":
            identity += ", with attachments"
        if static_model := sentence_model():
            from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

            identity += f", sentence model {SentenceModel(static_model).version}"
        if version := examples_version(categories):
            identity += f", examples {version}"
        return identity

    def check(self) -> str:
        """Check the engine's libraries, the document types, the models and the record of jobs."""
        _require_extra()
        from airflow_provider_classify.engine.knowledge.load import load_knowledge
        from airflow_provider_classify.engine.learned.model import load_model

        load_knowledge(own_document_types())
        load_model(learned_model())
        sentence_model()
        self._store  # noqa: B018 - the check is to open the record
        return "The local engine is installed and its record of jobs can be opened."


class LocalSession:
    """The local backend on an event loop. Each call runs on a thread, because the database and the engine block."""

    backend_name: ClassVar[str] = "local"
    group_size = MAX_STATUS_IDS

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        self.poller = Poller(self, rate=None, on_looked=backend.on_looked)

    async def submit(
        self, document: Document, categories: Sequence[Category], idempotency_key: str | None = None
    ) -> Submission:
        """Submit a document; see :meth:`LocalBackend.submit`."""
        return await asyncio.to_thread(self._backend.submit, document, categories, idempotency_key)

    async def get(self, job_id: str) -> Job:
        """Return a job; see :meth:`LocalBackend.get`."""
        return await asyncio.to_thread(self._backend.get, job_id)

    async def cancel(self, job_id: str) -> Job | None:
        """Cancel a job; see :meth:`LocalBackend.cancel`."""
        return await asyncio.to_thread(self._backend.cancel, job_id)

    async def watch(self, wait: polling.Wait, log: Any = None) -> polling.Ended | polling.GaveUp:
        """Wait until a job of another worker or of a killed task has ended or its deadline has passed."""
        return await self.poller.watch(wait, log)

    async def statuses(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus | ClassifyError]:
        """Return the statuses of jobs, with one query. :raises JobRecordUnavailable: the record cannot be reached."""
        return await asyncio.to_thread(self._backend.statuses, job_ids)


def _require_extra() -> None:
    require_engine(", or give the task a connection to a classify API")
