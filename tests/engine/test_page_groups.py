"""Pages by category."""

from __future__ import annotations

from airflow_provider_classify.engine.page_groups import group_pages
from airflow_provider_classify.model.result import PageResult


def page(number: int, classification: str | None, confidence: float = 0.9) -> PageResult:
    return PageResult(number, classification is not None, classification, confidence)


def test_most_pages_first_then_the_most_confidence() -> None:
    pages = [page(1, "letter", 0.5), page(2, "invoice"), page(3, "contract", 0.8), page(4, "contract", 0.9)]
    assert group_pages(pages) == [
        {"category": "contract", "pages": [3, 4], "page_count": 2, "confidence": 0.85},
        {"category": "invoice", "pages": [2], "page_count": 1, "confidence": 0.9},
        {"category": "letter", "pages": [1], "page_count": 1, "confidence": 0.5},
    ]


def test_a_failed_page_is_in_no_group() -> None:
    assert group_pages([page(1, None), page(2, "invoice")]) == [
        {"category": "invoice", "pages": [2], "page_count": 1, "confidence": 0.9}
    ]
    assert group_pages([page(1, None)]) == []
