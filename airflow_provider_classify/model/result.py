"""
The result of a classification. The API sends it, the service writes it, and the local engine returns it.

Parsing checks each field of the contract; :class:`InvalidReply` names the field. It keeps unknown keys in ``extra``,
and ``to_json`` writes them again, but never in place of a field.

The API sends the *first* category as the ``classification`` of a page that failed. Here it is ``None``, so that a
failed page is not mistaken for an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.model.json_fields import Fields, present
from airflow_provider_classify.model.without_text import without_text

#: More pages than any document has. A larger number in a reply is an error.
_MAX_PAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class PageResult:
    """
    The result of one page. ``page`` counts from 1.

    A failed page has ``success`` false, an ``error`` and no ``classification``. A blank page has ``success`` true,
    ``blank`` true, no ``classification`` and the confidence 0; only this package marks pages as blank.
    ``raw_result`` is the classifier's answer before it was matched to a category. ``extra`` has the other fields.
    """

    page: int
    success: bool
    classification: str | None
    confidence: float
    raw_result: str | None = None
    error: str | None = None
    blank: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object, where: str) -> PageResult:
        """Parse an entry of ``page_results``. ``where`` names it in errors. :raises InvalidReply: it is not valid."""
        fields = Fields(payload, where)
        success = fields.required("success", bool)
        blank = fields.true("blank")
        classification, confidence = _answer(fields, success and not blank)
        return cls(
            page=fields.whole("page", 1, _MAX_PAGES),
            success=success,
            classification=classification,
            confidence=confidence,
            raw_result=fields.optional("raw_result", str),
            error=fields.optional("error", str),
            blank=blank,
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the page as a JSON object. A failed page has no category, unlike in the API's replies."""
        payload: dict[str, Any] = {
            "page": self.page,
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
        }
        stated = present(raw_result=self.raw_result, error=self.error, blank=self.blank or None)
        return payload | stated | _unknown(self)


@dataclass(frozen=True, slots=True)
class ClassificationResult:
    """
    The ``result`` of a completed job.

    For an image, ``page_results`` is empty and ``raw_result`` is set. A failed result has ``success`` false and no
    ``classification``. A blank document has ``success`` true, ``blank`` true, no ``classification`` and the
    confidence 0. ``extra`` has the fields that an engine adds to the contract: ``scores``, ``categories``,
    ``language``, ``engine``.
    """

    success: bool
    classification: str | None
    confidence: float
    total_pages: int
    processed_pages: int
    page_results: tuple[PageResult, ...] = ()
    raw_result: str | None = None
    blank: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> ClassificationResult:
        """
        Parse the ``result`` object.

        If pages failed, the overall answer may be the first category, which the API sends for a failed page. So it
        is kept only if a successful page has the same answer. Otherwise the successful pages decide.

        :raises InvalidReply: a field is missing, of another type or out of range.
        """
        fields = Fields(payload, "result")
        success = fields.required("success", bool)
        blank = fields.true("blank")
        pages = _pages(fields)
        classification, confidence = _answer(fields, success and not blank)
        total_pages = fields.whole("total_pages", 1 if success else 0, _MAX_PAGES)
        processed_pages = fields.whole("processed_pages", 0, _MAX_PAGES, required=bool(pages))
        if processed_pages is None:
            processed_pages = total_pages
        if sum(not page.blank for page in pages) > max(total_pages, processed_pages):
            raise InvalidReply("The API's reply breaks the contract: result has more 'page_results' than pages.")
        if success:
            fields.drop("error")  # null, or the error of an earlier attempt; a user would take it for a failure
        if classification is not None and any(not page.success for page in pages):
            classification, confidence = _supported(classification, confidence, pages)
            success = classification is not None
        return cls(
            success=success,
            classification=classification,
            confidence=confidence,
            total_pages=total_pages,
            processed_pages=processed_pages,
            page_results=pages,
            raw_result=fields.optional("raw_result", str),
            blank=blank,
            extra=fields.rest(),
        )

    def without_text(self) -> ClassificationResult:
        """Return the result without the text of the document."""
        return ClassificationResult.from_json(without_text(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object. The fields of the contract come first."""
        payload: dict[str, Any] = {
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
            "total_pages": self.total_pages,
            "processed_pages": self.processed_pages,
        }
        if self.page_results:
            payload["page_results"] = [page.to_json() for page in self.page_results]
        return payload | present(raw_result=self.raw_result, blank=self.blank or None) | _unknown(self)


def _answer(fields: Fields, expected: bool) -> tuple[str | None, float]:
    """Remove and return ``classification`` and ``confidence``. If no answer is ``expected``, the first is ``None``."""
    if expected:
        return fields.required("classification", str), fields.confidence(required=True)
    fields.drop("classification")
    return None, fields.confidence(required=False)


def _pages(fields: Fields) -> tuple[PageResult, ...]:
    listed = fields.optional("page_results", list) or []
    pages = tuple(PageResult.from_json(page, f"result.page_results[{i}]") for i, page in enumerate(listed))
    if len({page.page for page in pages}) < len(pages):
        raise InvalidReply("The API's reply breaks the contract: result has a page twice in 'page_results'.")
    return pages


def _supported(classification: str, confidence: float, pages: Iterable[PageResult]) -> tuple[str | None, float]:
    """Return the overall answer if a successful page has it; otherwise the best answer of the successful pages."""
    votes: dict[str, list[float]] = defaultdict(list)
    for page in pages:
        if page.success and page.classification is not None:
            votes[page.classification].append(page.confidence)
    if not votes:
        return None, 0.0
    if classification in votes:
        return classification, confidence
    winner = max(votes, key=lambda name: sum(votes[name]))
    return winner, sum(votes[winner]) / len(votes[winner])


def _unknown(result: PageResult | ClassificationResult) -> dict[str, Any]:
    """Return the fields in ``extra`` whose names the contract does not use."""
    known = {field.name for field in fields(result)}
    return {name: value for name, value in result.extra.items() if name not in known}
