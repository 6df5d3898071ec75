"""
Leave the text of the document out of a result.

Only the fields that are known to hold no text are kept, because a server can add any field to a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The fields of a result or page that hold no text of the document: numbers, categories, document types, versions and
#: names of files. ``raw_result`` is missing, because a server can put any answer of its classifier into it. Errors are
#: kept, because they say what to do.
_WITHOUT_TEXT = frozenset(
    {
        "success",
        "classification",
        "confidence",
        "total_pages",
        "processed_pages",
        "page",
        "blank",
        "error",
        "scores",
        "confidence_by_path",
        "categories",
        "documents",
        "mixed",
        "language",
        "engine",
        "text_source",
        "nearest_example",
        "cover",
        "unknown_script",
        "read_from",
        "confidence_source",
        "uncalibrated_confidence",
        "none_of_these",
        "suggested_type",
        "votes",
        "usage",
    }
)


def without_text(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result, a JSON object, without the text of the document in it, its pages and its attachments."""
    kept = {name: value for name, value in result.items() if name in _WITHOUT_TEXT}
    if "page_results" in result:
        kept["page_results"] = [without_text(page) for page in result["page_results"]]
    if isinstance(result.get("attachments"), list):  # a server may send anything under this name
        attachments = [one for one in result["attachments"] if isinstance(one, Mapping)]
        kept["attachments"] = [{"name": one.get("name")} | without_text(one) for one in attachments]
    return kept
