"""Classify a document into a user's categories: the engine's entry point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify import __version__
from airflow_provider_classify.engine.categories.category_paths import inner_nodes
from airflow_provider_classify.engine.declared_type import Declaration, declaration_of
from airflow_provider_classify.engine.document_answer import document_answer
from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.learned.model import load_model
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.packets.documents import find_documents
from airflow_provider_classify.engine.read_pages import read_pages
from airflow_provider_classify.engine.reading import OpenedDocument, open_document
from airflow_provider_classify.engine.reading.opened_document import Attachment
from airflow_provider_classify.engine.results import ResultWriter
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel


class Classifier:
    """
    Classifies documents into one set of categories.

    It resolves the meaning of the categories once, so keep it for many documents. Use it from one thread at a time.
    Reading a page uses all the cores that the options allow.

    :param categories: at least one category, with distinct names.
    :param options: the engine's options; the defaults if None. Only a child process enforces the limits on time and
        memory.
    :param knowledge: the knowledge of document types; the knowledge of this package if None.
    :param sentence_model: the model for category names that the knowledge does not have. It is loaded only if a
        category has such a name.
    :raises InvalidCategories: an example of a category cannot be used.
    :raises ModelNotUsable: the file of the learned model cannot be used.
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
        model = load_model(self._options.model)
        self._categories = CategorySet(
            categories, knowledge, sentence_model, model=model, threads=self._options.threads
        )
        engine: dict[str, Any] = {
            "name": "airflow-provider-classify",
            "version": __version__,
            "knowledge": knowledge.version,
            "model": model.version,
        }
        if sentence_model and not self._categories.are_all_known:
            engine["sentence_model"] = sentence_model.version
        self._writer = ResultWriter(self._categories, engine, inner_nodes(self._categories.names))

    def classify(self, path: Path, *, name: str) -> ClassificationResult:
        """
        Read and classify a document.

        ``confidence`` is the probability that the answer is right, 0 to 1. ``extra["scores"]`` has the scores of the
        categories. They sum to 1 even if no category fits. So a document that fits no category can have a high score,
        but its confidence is low. If some pages cannot be read, the result has the errors of these pages.

        :param name: the document's name in errors.
        :raises DocumentError: the document cannot be opened, or some of its pages cannot be read and all others are
            blank.
        """
        options = self._options
        with open_document(
            path,
            name=name,
            max_pages=options.page_limit,
            threads=options.threads,
            ocr=options.ocr,
            ocr_models=options.ocr_models,
        ) as document:
            return self.classify_document(document)

    def classify_document(self, document: OpenedDocument) -> ClassificationResult:
        """
        Classify a document that is already open. Each page is read until its answer is sure.

        An e-mail with little text and one attachment is classified by its attachment, unless a category means e-mail.

        :raises DocumentError: some of its pages cannot be read, and all others are blank.
        """
        declaration = declaration_of(document, self._categories)
        uses_attachment = declaration is None and document.says_little and len(document.attachments) == 1
        classifies_attachments = self._options.attachments == "classify"
        attached = [
            self._classify_attachment(attachment)
            for attachment in (document.attachments if uses_attachment or classifies_attachments else ())
        ]
        result, source = None, document.read_from
        if uses_attachment and (result := attached[0].result):
            source = attached[0].name
        if result is None:
            result = self._classify_pages(document, declaration)
        extra = dict(result.extra)
        if source:
            extra["read_from"] = source
        if attached and (classifies_attachments or source != attached[0].name):
            extra["attachments"] = [outcome.to_json() for outcome in attached]
        return replace(result, extra=extra)

    def _classify_attachment(self, attachment: Attachment) -> _Attached:
        try:
            with attachment.open() as document:
                result = self._classify_pages(document, declaration_of(document, self._categories))
        except DocumentError as error:
            return _Attached(attachment.name, error=error)
        return _Attached(attachment.name, result)

    def _classify_pages(self, document: OpenedDocument, declaration: Declaration | None) -> ClassificationResult:
        if declaration is None and document.unreadable_text:
            raise document.unreadable_text
        fallback = declaration.category if declaration and declaration.rivals else None
        read = read_pages(document, self._categories, fallback=fallback, reads_all=self._options.max_pages == "all")
        failed = {number: answer for number, answer in read.items() if isinstance(answer, DocumentError)}
        answers = [
            replace(answer, shares=declaration.apply(answer.shares)) if declaration else answer
            for answer in read.values()
            if isinstance(answer, PageAnswer)
        ]
        # A page that failed may have text, so the document does not count as blank.
        if failed and all(answer.is_blank for answer in answers):
            raise next(iter(failed.values()))
        if not answers:
            raise DocumentEmpty("The document has no pages; check the file.")
        found = document_answer(answers, self._categories, declaration=declaration)
        documents = find_documents(
            answers, failed, self._categories, declaration=declaration, is_packet=document.may_be_packet
        )
        return self._writer.result(
            found, answers, failed, documents, is_image=document.is_image, declaration=declaration
        )


@dataclass(frozen=True, slots=True)
class _Attached:
    """The outcome of an attachment: a result, or the error of an attachment that cannot be read."""

    name: str
    result: ClassificationResult | None = None
    error: DocumentError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object for the e-mail's result."""
        if self.result is None:
            return {"name": self.name, "success": False, "error": str(self.error)}
        return {"name": self.name, **self.result.to_json()}
