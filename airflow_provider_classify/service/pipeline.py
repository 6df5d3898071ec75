"""
Classify the document of a job.

The engine classifies the document and draws a picture of it for the page. If the engine is not sure, another API is
asked.
"""

from __future__ import annotations

import base64
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.options import SMALL_SIDE
from airflow_provider_classify.exceptions import ClassifyError, EngineClosed, JobRecordUnavailable
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.dashboard.pictures import DrawingTime, Pictures
from airflow_provider_classify.service.escalation import ESCALATION_THREADS, Escalation

if TYPE_CHECKING:
    from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess

_log = logging.getLogger(__name__)


class Pipeline:
    """
    Classifies documents from several threads at the same time.

    :param pictures: where pictures for the page are kept.
    :param drawing: limits the time that pictures take.
    :param escalation: asks another API about some documents; ``None`` to ask no other API.
    """

    def __init__(
        self, engine: EnginePool, pictures: Pictures, drawing: DrawingTime, escalation: Escalation | None = None
    ) -> None:
        self._engine = engine
        self._pictures = pictures
        self._drawing = drawing
        self._escalation = escalation

    @property
    def threads(self) -> int:
        """
        The number of threads that can use the pipeline.

        There are more threads than processes of the engine. While some threads record results or wait for the other
        API, the others keep the engine busy.
        """
        return 2 * self._engine.size + (ESCALATION_THREADS if self._escalation else 0)

    def classify(self, path: str, categories: tuple[Category, ...], *, name: str, job_id: str) -> ClassificationResult:
        """
        Classify the document of a job.

        :param name: the document's name, for errors.
        :raises ClassifyError: the document cannot be classified.
        :raises EngineClosed: :meth:`close` was called, or the job was deleted while the other API was asked.
        """
        if self._escalation is None:
            return self._by_engine(path, categories, name=name, job_id=job_id)
        first: ClassificationResult | ClassifyError
        try:
            first = self._by_engine(path, categories, name=name, job_id=job_id)
        except ClassifyError as error:
            first = error
        return self._escalation.answer(first, path, categories, name=name, job_id=job_id)

    def cancel(self, job_id: str) -> None:
        """Stop asking the other API about the document of a deleted job. The engine does not stop."""
        if self._escalation is not None:
            self._escalation.cancel(job_id)

    def close(self) -> None:
        """Stop every classification that is running."""
        self._engine.close()
        if self._escalation is not None:
            self._escalation.close()

    def _by_engine(
        self, path: str, categories: tuple[Category, ...], *, name: str, job_id: str
    ) -> ClassificationResult:
        picture = None
        with self._engine.process() as process:
            result = process.classify(path, categories, name=name)
            if self._drawing.is_left():
                picture = self._draw(process, path, name=name, job_id=job_id)
        if picture is not None:  # The picture is recorded here, so that it does not hold the engine's process.
            self._keep(picture, job_id)
        return result

    def _draw(self, process: EngineProcess, path: str, *, name: str, job_id: str) -> bytes | None:
        began = time.monotonic()
        try:
            drawn = process.thumbnail(path, name=name, longest_side=SMALL_SIDE)
        except EngineClosed:
            raise
        except ClassifyError as error:  # the document has its answer already, which must not be lost
            _log.info("The page has no picture of the job %s: %s", job_id, error)
            return None
        finally:
            self._drawing.spend(time.monotonic() - began)
        return None if drawn is None else base64.b64decode(drawn)

    def _keep(self, picture: bytes, job_id: str) -> None:
        try:
            self._pictures.add(job_id, picture)
        except JobRecordUnavailable as error:
            _log.info("The page has no picture of the job %s: %s", job_id, error)
