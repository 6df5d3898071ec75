"""Use the client of the API with the same calls as a worker does, and as an event loop does."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from airflow_provider_classify.api.aio import open_session
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, Submission
from tests.support.scripted_server import Answer

KEY = "sk-recognisable-4711"
CATEGORIES = (Category("invoice"), Category("Straße", "a street"))
ACCEPTED = Answer(202, {"job_id": "8a1c", "status": "queued", "message": "Classification started"})
HTML = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>"
PROCESSING = Answer(200, {"job_id": "8a1c", "status": "processing", "progress": "Starting classification..."})


class Httpx:
    """
    The client as a worker uses it.

    Instead of a pause, it appends the seconds to ``sleeps`` and calls ``on_sleep``.
    """

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], object] = lambda: None

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.on_sleep()

    def submit(
        self,
        settings: ApiSettings,
        document: str,
        categories: Sequence[Category] = CATEGORIES,
        idempotency_key: str | None = None,
    ) -> Submission:
        return self._call(settings, lambda client: client.submit(Document(document), categories, idempotency_key))

    def cancel(self, settings: ApiSettings, job_id: str) -> Job | None:
        return self._call(settings, lambda client: client.cancel(job_id))

    def get(self, settings: ApiSettings, job_id: str) -> Job:
        return self._call(settings, lambda client: client.get(job_id))

    def _call(self, settings: ApiSettings, call: Callable[[Any], Any]) -> Any:
        with ApiBackend(settings, sleep=self._sleep) as backend:
            return call(backend)


class Aiohttp(Httpx):
    """The client as an event loop uses it."""

    def _call(self, settings: ApiSettings, call: Callable[[Any], Any]) -> Any:
        async def sleep(seconds: float) -> None:
            self._sleep(seconds)

        async def run() -> Any:
            async with open_session(settings, sleep=sleep) as session:
                return await call(session)

        return asyncio.run(run())


def settings_for(url: str, key: str = KEY, request_timeout: float = 30.0) -> ApiSettings:
    return ApiSettings("docs", url, key, request_timeout=request_timeout)


def told(error: BaseException) -> str:
    """Return all text of an error that a log could show: its traceback, and the reprs of the error and its causes."""
    shown = "".join(traceback.format_exception(error))
    cause: BaseException | None = error
    while cause is not None:
        shown += repr(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return shown


def failure(call: Any, *args: Any, caplog: pytest.LogCaptureFixture) -> ClassifyError:
    with pytest.raises(ClassifyError) as raised:
        call(*args)
    assert KEY not in told(raised.value)
    assert KEY not in caplog.text
    return raised.value
