"""
The result of a classification, as the API sends it, the service writes it and the local engine returns it.

Reading is strict about the contract's fields (:class:`InvalidReply` names the field) and lenient about new ones:
unknown keys stay in ``extra`` and come out of ``to_json`` again, but never in place of a field.

On the wire a page that failed carries the *first* category as its ``classification``. Here its
``classification`` is ``None``, so that a failed page cannot pass for an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.model.json_fields import Fields, present

#: More pages than any document has: a larger number in a reply is wrong.
_MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class PageResult:
    """
    What was found on one page, ``page`` from 1.

    A failed page has ``success`` false, an ``error``, and no ``classification``. A blank page (``"blank": true`` in
    its ``extra``) has no ``classification`` either. ``raw_result`` is the classifier's own word, before it was
    matched to a category.
    """

    page: int
    success: bool
    classification: str | None
    confidence: float
    raw_result: str | None = None
    error: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing on the page that could be classified."""
        return self.extra.get("blank") is True

    @classmethod
    def from_json(cls, payload: object, where: str) -> PageResult:
        """Read one entry of ``page_results``; ``where`` names it in errors. :raises InvalidReply: it is not one."""
        fields = Fields(payload, where)
        success = fields.required("success", bool)
        classification, confidence = _answer(fields, success)
        return cls(
            page=fields.whole("page", 1, _MOST_PAGES),
            success=success,
            classification=classification,
            confidence=confidence,
            raw_result=fields.optional("raw_result", str),
            error=fields.optional("error", str),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the contract's form; a failed page says ``null`` where the API names the first category."""
        payload: dict[str, Any] = {
            "page": self.page,
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
        }
        return payload | present(raw_result=self.raw_result, error=self.error) | _unknown(self)


@dataclass(frozen=True, slots=True)
class ClassificationResult:
    """
    The ``result`` of a completed job.

    An image has no ``page_results`` (here: empty) but a ``raw_result`` of its own.
    ``extra`` holds what an engine adds to the contract: ``scores``, ``categories``, ``language``, ``engine``.
    ``classification`` is ``None`` where ``success`` is false, and for a document of blank pages.
    """

    success: bool
    classification: str | None
    confidence: float
    total_pages: int
    processed_pages: int
    page_results: tuple[PageResult, ...] = ()
    raw_result: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> ClassificationResult:
        """
        Read the ``result`` object.

        Where pages failed, the overall answer counts only if a page that succeeded supports it. Otherwise it
        may be the first category, from the failed pages, and the succeeded pages answer instead.

        :raises InvalidReply: a field is missing, of another type or impossible.
        """
        fields = Fields(payload, "result")
        success = fields.required("success", bool)
        pages = _pages(fields)
        classification, confidence = _answer(fields, success)
        total_pages = fields.whole("total_pages", 1 if success else 0, _MOST_PAGES)
        processed_pages = fields.whole("processed_pages", 0, _MOST_PAGES, required=bool(pages))
        if processed_pages is None:
            processed_pages = total_pages
        if sum(not page.is_blank for page in pages) > max(total_pages, processed_pages):
            raise InvalidReply("The API's reply is not the contract's: result has more 'page_results' than pages.")
        if success:
            fields.drop("error")  # of an earlier attempt, or null; a consumer would take it for a failure
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
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the contract's form, its own fields first."""
        payload: dict[str, Any] = {
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
            "total_pages": self.total_pages,
            "processed_pages": self.processed_pages,
        }
        if self.page_results:
            payload["page_results"] = [page.to_json() for page in self.page_results]
        return payload | present(raw_result=self.raw_result) | _unknown(self)


def _answer(fields: Fields, success: bool) -> tuple[str | None, float]:
    """Take ``classification`` and ``confidence``: none of a failure, and none needed of what is blank."""
    if success and not fields.is_true("blank"):
        return fields.required("classification", str), fields.confidence(required=True)
    fields.drop("classification")
    return None, fields.confidence(required=False)


def _pages(fields: Fields) -> tuple[PageResult, ...]:
    listed = fields.optional("page_results", list) or []
    pages = tuple(PageResult.from_json(page, f"result.page_results[{i}]") for i, page in enumerate(listed))
    if len({page.page for page in pages}) < len(pages):
        raise InvalidReply("The API's reply is not the contract's: result has a page twice in 'page_results'.")
    return pages


def _supported(classification: str, confidence: float, pages: Iterable[PageResult]) -> tuple[str | None, float]:
    """Keep the overall answer if a succeeded page gives it; otherwise let the succeeded pages answer."""
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
    """Return the extra keys, without those that the contract gives a meaning."""
    known = {field.name for field in fields(result)}
    return {name: value for name, value in result.extra.items() if name not in known}
