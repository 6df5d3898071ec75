"""Where a classified document goes: one pure decision, for a branch task or any code of a DAG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def route(
    result: Mapping[str, Any], routes: Mapping[str, str], *, otherwise: str, minimum_confidence: float = 0.0
) -> str:
    """
    Choose the route of a result as it lies in XCom.

    :param routes: category name to route (a task id, a queue, a folder …).
    :param otherwise: the route of a category without one, of a doubtful answer and of a failure.
    :param minimum_confidence: from 0 to 1; an answer below it is doubtful.
    """
    category = result.get("classification")
    if not result.get("success") or category is None or result.get("confidence", 0.0) < minimum_confidence:
        return otherwise
    return routes.get(category, otherwise)
