"""Read the scores and the confidence of an answer in XCom or in the output of a batch. The answer is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: If the score of the category exceeds the confidence by more than this, the document may belong to no category.
_UNLIKELY = 0.3


def share_of(value: object) -> float | None:
    """Return a number from 0 to 1; ``None`` for another value."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


def scores_of(answer: Mapping[str, Any]) -> dict[str, float]:
    """Return the score of each category; empty if the classifier gives none."""
    scores = answer.get("scores")
    if not isinstance(scores, Mapping):
        return {}
    return {str(name): score for name, value in scores.items() if (score := share_of(value)) is not None}


def may_belong_to_none(answer: Mapping[str, Any]) -> bool:
    """
    Return whether the document may belong to none of the categories.

    The scores compare the categories with each other. The confidence is also low if no category fits.
    """
    category, confidence = answer.get("classification"), share_of(answer.get("confidence"))
    if not isinstance(category, str) or confidence is None:
        return False
    return scores_of(answer).get(category, 0.0) - confidence > _UNLIKELY
