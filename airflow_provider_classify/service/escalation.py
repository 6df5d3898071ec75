"""
Ask another classify API about the documents of which the engine is not sure.

:mod:`~airflow_provider_classify.model.cascade` decides when to ask. If the other API gives no answer, the engine's
answer stands, with an ``escalation_error``. If the engine has no answer either, the job fails with the engine's error.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from airflow_provider_classify.api.aio import open_session
from airflow_provider_classify.api.settings import ApiSettings, is_api_url
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    ApiUnavailable,
    ClassifyError,
    EngineClosed,
    ServiceNotStarted,
    error_of_kind,
)
from airflow_provider_classify.job_session import JobSession, wait_for
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.cascade import Cascade, Escalate, Outcome, after_first, answer_fields
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.escalations import MAX_ESCALATIONS, current_escalations, escalated
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.retry_pauses import Pauses

#: The environment variable with the key of the other API.
ESCALATION_KEY_VARIABLE = "CLASSIFY_ESCALATION_API_KEY"
#: The most documents about which the other API is asked at the same time. A worker has this many threads in addition,
#: because a thread waits while the other API is asked.
ESCALATION_THREADS = 16
#: The most seconds from the submit to the other API to its answer.
ANSWER_SECONDS = 300.0
#: The name of the engine in the ``first_answer`` of a result.
_ENGINE = "engine"

_log = logging.getLogger(__name__)


def escalation_settings(url: str | None, below: float | None, api_key: str | None) -> tuple[ApiSettings, float] | None:
    """
    Check the settings of an escalation.

    :param url: the URL of the other API; ``None`` for no escalation.
    :param below: the confidence below which the other API is asked, above 0, at most 1.
    :param api_key: the key of the other API, if it needs one.
    :returns: the settings of the other API and ``below``; ``None`` if there is no escalation.
    :raises ServiceNotStarted: a setting is missing or wrong.
    """
    if url is None and below is None:
        return None
    if url is None or below is None:
        given, missing = ("below", "to") if url is None else ("to", "below")
        raise ServiceNotStarted(f"The service has --escalate-{given} without --escalate-{missing}; give both or none.")
    if not 0 < below <= 1:
        raise ServiceNotStarted(f"--escalate-below is {below:g}; give a confidence above 0, at most 1.")
    url = url.rstrip("/")
    if not is_api_url(url):
        raise ServiceNotStarted(
            "--escalate-to is not an http(s) URL without user and query; write it as https://api.example.com, "
            f"and set the key in the environment as {ESCALATION_KEY_VARIABLE}."
        )
    return ApiSettings(conn_id="--escalate-to", base_url=url, api_key=api_key or ""), below


@dataclass(frozen=True, slots=True)
class _StoredDocument(Document):
    """A document of the service. ``reference`` is the name that a client gave it, and ``path`` is its file."""

    path: str = ""

    @property
    def is_url(self) -> bool:
        """False: a stored document is uploaded, whatever its name."""
        return False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file. The setting ``[classify] allowed_roots`` of Airflow does not apply to the service."""
        with open(self.path, "rb") as stream:
            yield stream


class Escalation:
    """
    Asks another classify API. Thread-safe.

    All documents share one HTTP session, on an event loop in its own thread.

    :param below: the confidence below which the other API is asked.
    :param answer_seconds: the most seconds from a submit to its answer.
    :param concurrent: the most documents about which the other API is asked at the same time.
    :param clock: returns seconds that never go back.
    :raises Exception: the HTTP session cannot be opened with these settings.
    """

    def __init__(
        self,
        settings: ApiSettings,
        below: float,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        concurrent: int = ESCALATION_THREADS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._host = urlsplit(settings.base_url).netloc
        self._cascade = Cascade(_ENGINE, self._host, below)
        self._answer_seconds = answer_seconds
        self._pauses = Pauses(clock=clock)
        self._places = asyncio.Semaphore(concurrent)
        self._loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        #: The tasks that ask the other API, by the job ids of this service.
        self._asking: dict[str, asyncio.Task[Any] | None] = {}
        #: The jobs in ``_asking`` that were deleted.
        self._deleted: set[str] = set()
        #: The tasks that send a cancel. An event loop keeps only weak references to its tasks.
        self._cancels: set[asyncio.Task[None] | None] = set()
        self._thread = threading.Thread(target=self._run_loop, name="classify-escalation", daemon=True)
        for warning in settings.warnings:
            _log.warning("%s", warning)
        self._thread.start()
        opening = self._open.enter_async_context(open_session(settings))
        try:
            self._session: JobSession = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        except BaseException:
            self.close()
            raise

    def answer(
        self,
        first: ClassificationResult | ClassifyError,
        path: str,
        categories: tuple[Category, ...],
        *,
        name: str,
        job_id: str,
    ) -> ClassificationResult:
        """
        Return the result of a document for which the engine gave ``first``.

        A document that :data:`~.escalations.MAX_ESCALATIONS` services have escalated keeps the engine's answer.

        :param name: the document's name.
        :param job_id: the job of this service. It is also the idempotency key at the other API, so that a job that runs
            twice is paid once.
        :raises ClassifyError: neither the engine nor the other API has an answer.
        :raises EngineClosed: :meth:`close` was called, or :meth:`cancel` for this job.
        """
        outcome = Outcome(_ENGINE, first)
        step = after_first(self._cascade, outcome)
        if not isinstance(step, Escalate):
            return _answer_of(first)
        count = current_escalations()
        if count >= MAX_ESCALATIONS:
            _log.warning(
                "The document of the job %s is not escalated to %s, because %d services have escalated it already.",
                job_id,
                self._host,
                count,
            )
            return _answer_of(first)
        _log.info("The document of the job %s is escalated to %s: %s.", job_id, self._host, step.reason)
        with escalated(count + 1):
            second = self._outcome(_StoredDocument(name, path), categories, job_id)
        if isinstance(second.end, ClassifyError):
            _log.warning("%s gave no answer for the job %s: %s", self._host, job_id, second.end)
        return combine(outcome, second)

    def cancel(self, job_id: str) -> None:
        """Stop asking about the document of a deleted job, and cancel the job of the other API."""
        with suppress(RuntimeError):  # The loop has been closed by a stop.
            self._loop.call_soon_threadsafe(self._cancel, job_id)

    def close(self) -> None:
        """Stop asking. Every :meth:`answer` that waits raises ``EngineClosed``."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _outcome(self, document: Document, categories: tuple[Category, ...], job_id: str) -> Outcome:
        """
        Return the outcome of the other API. If it is asked about ``concurrent`` other documents, wait first.

        :raises EngineClosed: the request was stopped.
        """
        asking = self._ask_in_turn(document, categories, job_id)
        try:
            asked = asyncio.run_coroutine_threadsafe(asking, self._loop)
        except RuntimeError as error:  # a stop has closed the loop
            asking.close()
            raise _stopped() from error
        try:
            return Outcome(self._host, asked.result())
        except CancelledError as error:
            raise _stopped() from error
        except ClassifyError as error:
            return Outcome(self._host, error)

    async def _ask_in_turn(
        self, document: Document, categories: tuple[Category, ...], job_id: str
    ) -> ClassificationResult:
        self._asking[job_id] = asyncio.current_task()
        try:
            async with self._places:
                if not self._pauses.may_ask():
                    raise ApiUnavailable(f"{self._host} has failed several times; it is asked again soon.")
                return await self._ask_and_note(document, categories, job_id)
        finally:
            self._asking.pop(job_id, None)
            self._deleted.discard(job_id)

    async def _ask_and_note(
        self, document: Document, categories: tuple[Category, ...], job_id: str
    ) -> ClassificationResult:
        """Ask the other API, and note whether it failed. A request that was stopped says nothing about the API."""
        try:
            result = await self._ask(document, categories, job_id)
        except ClassifyError as error:
            self._pauses.note(failed=not error.unreadable)
            raise
        self._pauses.note(failed=False)
        return result

    async def _ask(self, document: Document, categories: tuple[Category, ...], job_id: str) -> ClassificationResult:
        since = time.time()
        submission = None
        try:
            submission = await self._session.submit(document, categories, job_id)
            wait = polling.Wait(submission.job_id, since=since, deadline=since + self._answer_seconds)
            job = await wait_for(self._session, wait)
        except asyncio.CancelledError:
            if submission is not None and job_id in self._deleted:
                self._cancels.add(asyncio.create_task(self._cancel_there(submission.job_id)))
            raise
        return polling.answer(job, document.label, [category.name for category in categories])

    def _cancel(self, job_id: str) -> None:
        if task := self._asking.get(job_id):
            self._deleted.add(job_id)
            task.cancel()

    async def _cancel_there(self, job_id: str) -> None:
        try:
            await self._session.cancel(job_id)
        except ClassifyError as error:
            _log.warning("The job %s of %s could not be cancelled: %s", job_id, self._host, error)
        finally:
            self._cancels.discard(asyncio.current_task())

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._cancel_all())
        self._loop.run_until_complete(self._open.aclose())
        self._loop.close()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stopped() -> EngineClosed:
    return EngineClosed("The request to the other API was stopped, because the service stops or the job was deleted.")


def _answer_of(first: ClassificationResult | ClassifyError) -> ClassificationResult:
    if isinstance(first, ClassifyError):
        raise first
    return first


def combine(first: Outcome, second: Outcome) -> ClassificationResult:
    """
    Return the result of an escalated document.

    The answer of the other API stands. Its ``engine`` names the API. If the API gave no answer, the engine's answer
    stands, with an ``escalation_error``.

    :param first: the outcome of the engine.
    :param second: the outcome of the other API.
    :raises ClassifyError: neither gave an answer. The error has the class of the engine's error.
    """
    if isinstance(second.end, ClassificationResult):
        theirs = second.end.extra.get("engine")
        engine = {"name": second.conn_id} | (dict(theirs) if isinstance(theirs, dict) else {}) | {"api": second.conn_id}
        return _with(second.end, engine=engine, first_answer=_answered(first))
    why = f"{second.conn_id} gave no answer ({second.end.kind})"
    if isinstance(first.end, ClassifyError):
        text = f"{str(first.end).rstrip('.')}; {why}."
        raise error_of_kind(first.end.kind, text) from second.end
    return _with(first.end, first_answer=_answered(first), escalation_error=f"{why}; the engine's answer stands.")


def _answered(first: Outcome) -> object:
    return answer_fields(first.conn_id, first.short())["first_answer"]


def _with(result: ClassificationResult, **fields: object) -> ClassificationResult:
    return replace(result, extra={**result.extra, **fields})
