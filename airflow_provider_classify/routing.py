"""Decide where a classified document goes, for a branch task or other code of a DAG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def route(
    result: Mapping[str, Any] | None,
    routes: Mapping[str, str],
    *,
    otherwise: str,
    review: str,
    minimum_confidence: float,
) -> str:
    """
    Return the route of a result from XCom.

    :param result: the result, or ``None`` if the classification failed. The result of a blank document, and of one
        that cannot be read (``on_unreadable="result"``), has no classification.
    :param routes: the routes by category name: task ids, queues, folders or other texts.
    :param otherwise: the route of a category that is not in ``routes``.
    :param review: the route of a result below the threshold, of a blank document, of a document that cannot be read and
        of a missing result.
    :param minimum_confidence: the threshold, a confidence from 0 to 1.
    """
    category = (result or {}).get("classification")
    if (
        result is None
        or result.get("success") is False
        or category is None
        or result["confidence"] < minimum_confidence
    ):
        return review
    return routes.get(category, otherwise)
