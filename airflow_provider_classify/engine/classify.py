"""Classify a document into a user's categories: the engine's entry point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify import __version__
from airflow_provider_classify.engine.categories.paths import inner_nodes
from airflow_provider_classify.engine.confidence import is_sure
from airflow_provider_classify.engine.knowledge.load import Knowledge, load_knowledge
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.reading import OpenedDocument, PageReading, open_document
from airflow_provider_classify.engine.results import ResultWriter
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import ClassificationResult

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel


class Classifier:
    """
    Classifies documents into one set of categories.

    Keep it for many documents: the meaning of the categories is resolved once. Use it from one thread at a
    time; reading a page takes all the cores it is given.

    :param categories: at least one, with distinct names.
    :param options: the engine's options; the defaults if None. Limits on time and memory hold in a child process only.
    :param knowledge: of document types, instead of what comes with this package.
    :param sentence_model: for category names that the knowledge does not have; loaded now, if there are any.
    :raises InvalidCategories: an example of a category cannot be used.
    :raises SentenceModelNotUsable: the sentence model cannot be loaded.
    """

    def __init__(
        self,
        categories: Sequence[Category],
        options: EngineOptions | None = None,
        *,
        knowledge: Knowledge | None = None,
        sentence_model: SentenceModel | None = None,
    ) -> None:
        self._options = options or EngineOptions()
        knowledge = knowledge or load_knowledge()
        self._categories = CategorySet(categories, knowledge, sentence_model, threads=self._options.threads)
        engine: dict[str, Any] = {
            "name": "airflow-provider-classify",
            "version": __version__,
            "knowledge": knowledge.version,
        }
        if sentence_model and not self._categories.are_all_known:
            engine["sentence_model"] = sentence_model.version
        self._writer = ResultWriter(self._categories, engine, inner_nodes(self._categories.names))

    def classify(self, path: Path, *, name: str) -> ClassificationResult:
        """
        Read and classify a document; errors call it ``name``.

        ``confidence`` is the probability that the answer is right. ``extra["scores"]`` are the categories'
        shares, which sum to 1 as if the document belonged to one of them: a document that fits no category has
        a low confidence whatever its shares. A page that cannot be read fails alone, with its error in the
        result.

        :raises DocumentError: the document cannot be opened, or none of its pages can be read.
        """
        options = self._options
        with open_document(path, name=name, max_pages=options.max_pages, threads=options.threads) as document:
            return self.classify_document(document)

    def classify_document(self, document: OpenedDocument) -> ClassificationResult:
        """
        Classify a document that is already open. Its pages are read as far as needed.

        :raises DocumentError: none of its pages can be read.
        """
        answers: list[PageAnswer] = []
        failed: dict[int, DocumentError] = {}
        for reading in document.pages:
            try:
                answers.append(self._answer(reading))
            except DocumentError as error:
                failed[reading.number] = error
        if not answers:
            raise next(iter(failed.values()), DocumentEmpty("The document has no pages; check the file."))
        return self._writer.result(answers, failed, is_image=document.is_image)

    def _answer(self, reading: PageReading) -> PageAnswer:
        """Read a page only as far as needed to be sure of it."""
        answer = None
        for page in reading.passes():
            answer = self._categories.answer(page)
            if is_sure(answer.confidence, lines=len(page.lines), unread=len(page.unread)):
                break
        if answer is None:
            raise DocumentEmpty(f"Page {reading.number} holds nothing to read.")
        return answer
