"""The hook: an Airflow connection of type ``classify`` as something that classifies documents."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_classify.api.one_per_loop import shared
from airflow_provider_classify.api.settings import CONN_TYPE, Settings
from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, ConnectionNotUsable
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.model.contract import Job, Submission

if TYPE_CHECKING:
    from airflow_provider_classify.model.backend import Backend, Jobs

DEFAULT_CONN_ID = "classify_default"
#: Seconds to get the result of a job that has ended.
_FETCH_PATIENCE = 120.0


class ClassifyHook(BaseHook):
    """
    Classify documents through a connection: a classify API, or the local engine.

    The connection's ``backend`` decides. Where ``classify_default`` is not defined at all the local
    engine serves, so that a first DAG needs no account; any other id has to exist.

    :param classify_conn_id: an Airflow connection of type ``classify``.
    """

    conn_name_attr = "classify_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = "Classify"

    def __init__(self, classify_conn_id: str = DEFAULT_CONN_ID) -> None:
        super().__init__()
        self.classify_conn_id = classify_conn_id

    @cached_property
    def backend(self) -> Backend:
        """
        Give the backend that the connection names.

        :raises ConnectionNotUsable: the connection is missing or lacks something.
        """
        try:
            connection = self.get_connection(self.classify_conn_id)
        except AirflowNotFoundException as error:
            return _backend(self._without_connection(error))
        return _backend(Settings.from_connection(connection, connection.extra_dejson))

    def get_conn(self) -> Backend:
        """Airflow's name for :attr:`backend`."""
        return self.backend

    def submit(
        self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None = None
    ) -> Submission:
        """
        Hand a document over and get a job id.

        :param document: local path, object-storage URI or http(s) URL; also an ``os.PathLike`` or an
            ``ObjectStoragePath``.
        :param categories: names, ``{"name", "description", "examples"}`` objects, an object
            ``{name: description}``, or the JSON text of these.
        :param idempotency_key: names this submit: where the backend honours it, a second one with the same
            key gets the first one's job, and a submit whose answer was lost is sent again.
        :raises InvalidCategories: before anything is sent.
        :raises DocumentError: there is nothing to send.
        :raises ApiError: the API refused, failed or was not reached.
        """
        submission = self.backend.submit(Document.of(document), parse_categories(categories), idempotency_key)
        self._log_submission(document, submission)
        return submission

    def get(self, job_id: str) -> Job:
        """
        Ask for a job once.

        :raises JobNotFound: no such job, or it has expired.
        :raises ApiError: the API refused, failed or was not reached.
        """
        return self.backend.get(job_id)

    def cancel(self, job_id: str) -> Job | None:
        """
        Ask that a job is not done any more. A job that has ended stays as it ended.

        The hosted API has no cancel, this package's service has: there a job that waits is dropped, and
        one that is being classified runs on without an effect.

        :returns: the job as it is now, ``None`` where there is no such job or the API has no cancel.
        :raises ApiError: the API refused, failed or was not reached.
        """
        job = self.backend.cancel(job_id)
        self.log.info("%s", describe_cancel(job_id, job))
        return job

    def look(self, job_id: str) -> Job | ClassifyError:
        """
        Ask for a job once, and give an error that may pass as a value: the job is "not yet" known.

        :raises ClassifyError: one that a later look would meet again.
        """
        try:
            return self.get(job_id)
        except ClassifyError as error:
            if not error.retryable:
                raise
            return error

    def wait(self, wait: waiting.Wait) -> Job:
        """
        Wait for a job in this thread, with the API's pauses.

        :returns: the job as it ended, also as failed.
        :raises JobTimedOut: it was not done by the deadline.
        :raises ClassifyError: a later look would not help (key rejected, job unknown …).
        """
        while True:
            seen = self.look(wait.job_id)
            status = seen.status if isinstance(seen, Job) else seen
            step = waiting.after(wait, status, now=time.time(), chance=random.random())
            if isinstance(step, waiting.GaveUp):
                raise step.error
            if isinstance(seen, Job) and isinstance(step, waiting.Ended):
                return seen
            if isinstance(step, waiting.LookAgain):
                self.log.info("%s; next look in %.1f s.", describe(wait.job_id, seen), step.seconds)
                time.sleep(step.seconds)

    def fetch(self, job_id: str) -> Job:
        """
        Get a job that is known to have ended, outlasting a short failure of the server.

        The task is about to finish: if it failed here, its retry would submit and pay again.

        :raises ClassifyError: the server did not give it within two minutes.
        """
        now = time.time()
        return self.wait(waiting.Wait(job_id, since=now, deadline=now + _FETCH_PATIENCE))

    def connect(self) -> AbstractAsyncContextManager[Jobs]:
        """
        Open the asynchronous side: ``submit``, ``get`` and ``watch``, which never block the event loop.

        All that use the same Airflow connection on a loop share one HTTP session and one poller. The
        connection is looked up once, by the first that comes; who comes after the last has left
        looks it up anew.

        :raises ConnectionNotUsable: the connection is missing or lacks something.
        """
        return shared(self.classify_conn_id, self._open)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Jobs]:
        try:
            connection = await get_async_connection(self.classify_conn_id)
        except AirflowNotFoundException as error:
            settings = self._without_connection(error)
        else:
            settings = Settings.from_connection(connection, await get_async_extra_dejson(connection))
        backend = await asyncio.to_thread(_backend, settings)  # its imports would block the loop
        async with backend.connect() as jobs:
            yield jobs

    async def asubmit(
        self, document: DocumentLike, categories: CategoriesLike, idempotency_key: str | None = None
    ) -> Submission:
        """As :meth:`submit`, on an event loop. For more than one call, :meth:`connect` once."""
        parsed = parse_categories(categories)
        async with self.connect() as jobs:
            submission = await jobs.submit(Document.of(document), parsed, idempotency_key)
        self._log_submission(document, submission)
        return submission

    async def aget(self, job_id: str) -> Job:
        """As :meth:`get`, on an event loop. For more than one call, :meth:`connect` once."""
        async with self.connect() as jobs:
            return await jobs.get(job_id)

    def test_connection(self) -> tuple[bool, str]:
        """Answer the "Test" button of the connection form."""
        try:
            return True, self.backend.check()
        except ClassifyError as error:
            return False, str(error)

    def _without_connection(self, error: AirflowNotFoundException) -> Settings:
        if self.classify_conn_id != DEFAULT_CONN_ID:
            raise ConnectionNotUsable(
                f"The connection {self.classify_conn_id!r} is not defined; define it with the type {CONN_TYPE!r}, "
                f"or leave classify_conn_id out to use the local engine."
            ) from error
        self.log.info("The connection %r is not defined: the local engine classifies.", DEFAULT_CONN_ID)
        return Settings(conn_id=DEFAULT_CONN_ID, backend="local")

    def _log_submission(self, document: DocumentLike, submission: Submission) -> None:
        quota = "" if submission.quota_remaining is None else f", {submission.quota_remaining} left of the quota"
        self.log.info(
            "Submitted %s as job %s (%s%s).", Document.of(document).label, submission.job_id, submission.status, quota
        )


def describe(job_id: str, seen: Job | ClassifyError) -> str:
    """Say in a few words what a look at a job found, for a log line."""
    return (
        f"Job {job_id} is {seen.status}" if isinstance(seen, Job) else f"Job {job_id} could not be looked at ({seen})"
    )


def describe_cancel(job_id: str, job: Job | None) -> str:
    """Say what became of a cancel, for a log line."""
    if job is None:
        return f"Job {job_id} is left to itself: the API has no cancel, or no such job"
    return f"Job {job_id} was asked to be cancelled and is {job.status} ({job.error or job.progress})"


def _backend(settings: Settings) -> Backend:
    if settings.backend == "api":
        from airflow_provider_classify.api.sync import ApiBackend

        return ApiBackend(settings)
    from airflow_provider_classify.local.backend import LocalBackend

    return LocalBackend(settings)
