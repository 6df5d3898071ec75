"""Read the scores and the confidence of an answer in XCom or in the output of a batch. The answer is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: From this probability on, no category is the most probable answer.
_PROBABLY = 0.5
#: The name of the answer that a document belongs to none of the categories, for people and language models.
NONE_OF_THESE = "none of these"
#: The least probability of a category. Confidences are rounded, so 0 may be a little more.
_LEAST = 0.0001


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


@dataclass(frozen=True, slots=True)
class Probabilities:
    """
    How probable each category of a document is, and that it belongs to none of them. All together are about 1.

    :param categories: the probability of each category; only that of the answer if the classifier gives no scores.
    :param none: the probability that the document belongs to none of the categories; 0 if the classifier does not say.
    """

    categories: Mapping[str, float]
    none: float = 0.0

    @property
    def is_probably_none(self) -> bool:
        """Whether the document more probably belongs to none of the categories than to any of them."""
        return self.none >= _PROBABLY


def probabilities_of(answer: Mapping[str, Any]) -> Probabilities:
    """
    Return the probabilities of the categories.

    The scores of an answer compare the categories with each other, and their sum is 1 even if none fits. Its confidence
    is lower if none may fit. So the scores are multiplied by the confidence and divided by the score of the answer. A
    language model gives no scores. It has ``none_of_these`` instead, and a confidence of at most 0.5 then.
    """
    category, confidence, scores = answer.get("classification"), share_of(answer.get("confidence")), scores_of(answer)
    if not isinstance(category, str) or confidence is None:
        return Probabilities({})
    score = scores.get(category, 0.0)
    if not score:
        is_none = answer.get("none_of_these") is True and not answer.get("reviewed_by")
        confidence = max(confidence, _LEAST)
        return Probabilities({category: confidence}, none=1.0 - confidence if is_none else 0.0)
    some = min(1.0, max(confidence, _LEAST) / score)
    return Probabilities({name: some * value for name, value in scores.items()}, none=1.0 - some)
