"""The pages of a document by category, so that one which holds an invoice and a contract shows both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from airflow_provider_classify.model.contract import PageResult


def group_pages(pages: Iterable[PageResult]) -> list[dict[str, Any]]:
    """
    The contract's ``categories``: each with its pages, most pages first, then most confidence.

    Failed pages are in none, nor should blank ones be given. ``confidence`` is the mean of the category's pages.
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
