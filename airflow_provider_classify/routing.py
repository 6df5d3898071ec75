"""Where a classified document goes: one pure decision, for a branch task or any code of a DAG."""

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
    Choose the route of a result as it lies in XCom.

    :param result: ``None`` where the document could not be classified at all. A blank document has a result without
        a classification.
    :param routes: category name to route: a task id, a queue, a folder …
    :param otherwise: the route of a category that has none of its own.
    :param review: the route of a doubtful answer, of a blank document and of a missing result.
    :param minimum_confidence: from 0 to 1; an answer below it is doubtful.
    """
    category = (result or {}).get("classification")
    if result is None or category is None or result["confidence"] < minimum_confidence:
        return review
    return routes.get(category, otherwise)
