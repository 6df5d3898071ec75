"""Group the pages of a document by category. So the result of a document with an invoice and a contract has both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from airflow_provider_classify.model.result import PageResult


def group_pages(pages: Iterable[PageResult]) -> list[dict[str, Any]]:
    """
    Return the list ``categories`` of a result: each category with its pages.

    The list is sorted by the number of pages, then by the confidence. ``confidence`` is the mean confidence of the
    category's pages. Pages without a category are left out.
    """
    groups: dict[str, list[PageResult]] = defaultdict(list)
    for page in pages:
        if page.classification is not None:
            groups[page.classification].append(page)
    listed = [
        {
            "category": category,
            "pages": [page.page for page in found],
            "page_count": len(found),
            "confidence": round(sum(page.confidence for page in found) / len(found), 4),
        }
        for category, found in groups.items()
    ]
    return sorted(listed, key=lambda group: (-group["page_count"], -group["confidence"]))
