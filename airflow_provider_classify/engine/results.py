"""Convert the answers of pages into results of the API contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from airflow_provider_classify.engine.categories.category_paths import sums_of_nodes
from airflow_provider_classify.engine.declared_type import Declaration
from airflow_provider_classify.engine.document_answer import DocumentAnswer
from airflow_provider_classify.engine.packets.documents import FoundDocument
from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.page_groups import group_pages
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.engine.scoring.features import PageText
from airflow_provider_classify.engine.text.language import guess_language
from airflow_provider_classify.exceptions import DocumentError
from airflow_provider_classify.model.result import ClassificationResult, PageResult

#: The most phrases that a page result has as evidence.
EVIDENCE = 3


class ResultWriter:
    """
    Writes results for one set of categories.

    :param engine: the name and versions of the engine, for each result.
    :param nodes: the nodes of categories whose names are paths (see :func:`~.categories.category_paths.inner_nodes`).
    """

    def __init__(self, categories: CategorySet, engine: Mapping[str, Any], nodes: Mapping[str, Sequence[int]]) -> None:
        self._categories = categories
        self._engine = engine
        self._nodes = nodes

    def result(
        self,
        document: DocumentAnswer,
        answers: Sequence[PageAnswer],
        failed: Mapping[int, DocumentError],
        documents: Sequence[FoundDocument] = (),
        *,
        is_image: bool,
        declaration: Declaration | None = None,
    ) -> ClassificationResult:
        """
        Return the result of a document.

        :param answers: the answers of the pages that were read.
        :param failed: the errors of the pages that could not be read, by page number.
        :param documents: the documents in the file.
        :param is_image: whether the document is an image of one page. The result then has the page's fields and no page
            results.
        """
        names, total = self._categories.names, sum(document.shares)
        pages = [self._page_result(answer, declaration) for answer in answers]
        extra: dict[str, Any] = {
            "scores": {
                name: round(share / total, 4) if total else 0.0
                for name, share in zip(names, document.shares, strict=True)
            },
            "categories": group_pages(
                page
                for page, answer in zip(pages, answers, strict=True)
                if answer.characters and any(answer is voter for voter in document.voters)
            ),
            "mixed": document.is_mixed,
            "language": _language([answer.scored.types.text for answer in answers]),
            "engine": self._engine,
        }
        if self._nodes:
            extra["confidence_by_path"] = {
                node: round(share, 4) for node, share in sums_of_nodes(self._nodes, document.shares).items()
            }
        if len(answers) + len(failed) > 1:
            extra["documents"] = [self._document(found) for found in documents]
        if document.voters and self._categories.is_none(document.shares):
            suggested = self._categories.suggested_type(document.voters)
            extra |= {"suggested_type": suggested} if suggested else {}
        if is_image:
            extra |= pages[0].extra
        pages += [
            PageResult(page=number, success=False, classification=None, confidence=0.0, error=str(error))
            for number, error in failed.items()
        ]
        return ClassificationResult(
            success=True,
            classification=None if document.best is None else names[document.best],
            confidence=round(document.confidence, 4),
            total_pages=len(pages),
            processed_pages=len(pages),
            page_results=() if is_image else tuple(sorted(pages, key=lambda page: page.page)),
            raw_result=pages[0].raw_result if is_image else None,
            blank=document.best is None,
            extra=extra,
        )

    def _document(self, found: FoundDocument) -> dict[str, Any]:
        category = None if found.category is None else self._categories.names[found.category]
        fields = {"category": category, "pages": list(found.pages), "confidence": round(found.confidence, 4)}
        return fields | ({"cover": True} if found.is_cover else {})

    def _page_result(self, answer: PageAnswer, declaration: Declaration | None) -> PageResult:
        number, source = answer.page.number, answer.page.source
        if answer.is_blank:
            return PageResult(
                number, success=True, classification=None, confidence=0.0, blank=True, extra={"text_source": source}
            )
        types, type_names = answer.scored.types, self._categories.type_names
        raw = types.scores.index(max(types.scores))
        scorer = self._categories.scorers[answer.best]
        best_type = scorer.best_type(answer.scored)
        best_type = raw if best_type is None else best_type
        evidence = [
            _evidence(found.phrase, type_names[best_type], answer.page, found.line)
            for found in self._categories.evidence(answer, best_type, EVIDENCE)
        ]
        if declaration and declaration.category != answer.best:
            declaration = None
        if declaration:
            evidence.insert(0, _evidence(declaration.evidence, declaration.type_name, answer.page, None))
        extra: dict[str, Any] = {"text_source": source, "evidence": evidence}
        if answer.is_cover:
            extra["cover"] = True
        if answer.page.is_of_unknown_script:
            extra["unknown_script"] = True
        if nearest := scorer.nearest_example(answer.scored):
            extra["nearest_example"] = {"document": nearest.path, "likeness": round(nearest.likeness, 4)}
        return PageResult(
            page=number,
            success=True,
            classification=scorer.name,
            confidence=round(answer.confidence, 4),
            raw_result=declaration.type_name if declaration else type_names[raw],
            extra=extra,
        )


def _language(texts: Sequence[PageText]) -> str | None:
    """Return the language of a document. That of a single page is already known."""
    return texts[0].language if len(texts) == 1 else guess_language(chain.from_iterable(text.words for text in texts))


def _evidence(text: str, type_name: str, page: Page, line: Line | None) -> dict[str, Any]:
    """Return a piece of evidence. The format, layout or look of a page is evidence without a line."""
    evidence = {"text": text, "type": type_name, "page": page.number}
    if line is None:
        return evidence
    box = [round(fraction, 4) for fraction in page.place(line)]
    return evidence | {"line": line.text, "box": box}
