"""The local engine as a backend. It needs no account and no network, and classifies in a child process with limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_classify import __version__
from airflow_provider_classify.documents.allowed_roots import require_allowed_examples
from airflow_provider_classify.documents.example_folder import examples_version, with_listed_examples
from airflow_provider_classify.job_session import OnLooked, ignore_looks
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.local.options import (
    engine_options,
    learned_model,
    ocr_models,
    own_document_types,
    sentence_model,
)
from airflow_provider_classify.local.recorded_backend import RecordedBackend
from airflow_provider_classify.local.settings import LocalSettings
from airflow_provider_classify.local.thumbnails import draw_small
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

if TYPE_CHECKING:
    from airflow_provider_classify.batch.work import BatchWork
    from airflow_provider_classify.engine.sandbox.pool import EnginePool


class LocalBackend(RecordedBackend):
    """
    The engine in a child process, and its record of jobs.

    :meth:`submit` also raises :class:`ExtraNotInstalled` without the ``local`` extra, :class:`InvalidDocumentTypes` and
    :class:`SentenceModelNotUsable` if the user's document types or sentence model cannot be used, and
    :class:`DocumentError` if an example of a category is not allowed.

    :param on_looked: called after each status request of a session of :meth:`connect`, with the number of its jobs.
    :param thumbnails: whether a submit also draws the first page of its document.
    """

    backend_name: ClassVar[str] = "local"
    resubmit_is_free: ClassVar[bool] = True
    classifier: ClassVar[str] = "the local engine"

    def __init__(
        self, settings: LocalSettings, *, on_looked: OnLooked = ignore_looks, thumbnails: bool = False
    ) -> None:
        super().__init__(evidence=settings.evidence, on_looked=on_looked)
        self._settings = settings
        self._thumbnails = thumbnails and settings.evidence
        #: Whether the last submit has drawn its document, and the picture; see :mod:`~.thumbnails`.
        self.has_drawn = False
        self.thumbnail: str | None = None

    def _prepare(self, categories: Sequence[Category]) -> Sequence[Category]:
        _require_extra()
        categories = with_listed_examples(categories)
        require_allowed_examples(categories)
        self.has_drawn = False
        return categories

    def _classify(self, path: Path, categories: Sequence[Category], name: str) -> ClassificationResult:
        from airflow_provider_classify.engine.sandbox.pool import EngineProcess

        with EngineProcess(engine_options(self._settings)) as engine:
            result = engine.classify(path, categories, name=name)
            if self._thumbnails:  # this process has already loaded the parser
                self.has_drawn, self.thumbnail = True, draw_small(engine, path, name)
        return result

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


def _require_extra() -> None:
    require_engine(", or give the task a connection to a classify API")
