"""
Convert points to probabilities. All functions are pure.

``benchmarks/accuracy.py`` measures the calibration. TEMPERATURE is a little higher than the best one for the labelled
documents. The knowledge was written with these documents, so answers for other documents are right less often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: The softmax divides the points of the knowledge by this. A learned model has a temperature of its own.
TEMPERATURE = 0.38
#: How much the points of a page without text count, 0 to 1. Each character adds to it; see ``ENOUGH_TEXT``.
LEAST_TRUST = 0.35
#: Each character adds 1 / ENOUGH_TEXT to how much the points count.
ENOUGH_TEXT = 120
#: Below this legibility (0 to 1), the points of a page count less, in proportion to the legibility.
LEGIBLE = 0.9
#: The weights of a document's first page and of each later page. The first page has the most evidence.
FIRST_PAGE, LATER_PAGE = 1.0, 0.5
#: The least points of a category with an unknown name. The best wrong type commonly gets this many by chance.
POINTS_OF_UNKNOWN = 2.0
#: The least points of "none of the categories", if the name of each category is known.
POINTS_OF_NONE = 1.0
#: Points that are subtracted from a type that no category means in full. There are many such types, so some match by
#: chance.
UNCLAIMED_COST = 0.5
#: Above this probability, no more lines of a page are read. SURE applies if at least half of the lines are read, and
#: SURE_OF_LITTLE before that.
SURE, SURE_OF_LITTLE = 0.98, 0.997


def softmax(points: Sequence[float], temperature: float = TEMPERATURE) -> list[float]:
    """Return probabilities that sum to 1. A higher temperature makes all answers less sure."""
    highest = max(points)
    powers = [math.exp((point - highest) / temperature) for point in points]
    total = sum(powers)
    return [power / total for power in powers]


def points_of_none(
    scores: Sequence[float],
    claims: Sequence[float],
    least: float,
    *,
    share: float = 1.0,
    corrections: Sequence[float] | None = None,
) -> float:
    """
    Return the points of "none of the categories".

    :param scores: the score of each known type.
    :param claims: the weight of each type for a category, 0 to 1; the highest one if several categories mean it. The
        rest, up to 1, counts for "none of the categories".
    :param least: the least points to return.
    :param share: how much the scores count, 0 to 1.
    :param corrections: the points that the learned model adds for each type; 0 for each type if None.
    """
    unclaimed = (
        share * (score + (math.log(1.0 - claim) if claim else 0.0) - UNCLAIMED_COST) + correction
        for score, claim, correction in zip(scores, claims, corrections or [0.0] * len(scores), strict=True)
        if claim < 1.0
    )
    return max([least, *unclaimed])


def least_of_none(*, all_known: bool) -> float:
    """Return the least points of "none of the categories". It is higher if a category is unknown."""
    return POINTS_OF_NONE if all_known else max(POINTS_OF_NONE, POINTS_OF_UNKNOWN)


def trust(characters: int, legibility: float) -> float:
    """
    Return how much points for the text of a page count, 0 to 1.

    They count less on a page with little text, or with text that OCR can hardly read. So the confidence is lower.

    :param characters: the number of characters of the page.
    :param legibility: the confidence of OCR in the text, 0 to 1.
    """
    return min(1.0, LEAST_TRUST + characters / ENOUGH_TEXT) * min(1.0, legibility / LEGIBLE)


def is_sure(share: float, *, lines: int, unread: int) -> bool:
    """
    Return whether a page's answer is sure, so that no more lines need to be read.

    :param share: the probability of its best category, 0 to 1.
    :param lines: the number of lines that were read.
    :param unread: the number of lines that were detected and not read.
    """
    return share > (SURE if lines >= unread else SURE_OF_LITTLE)


def page_weight(is_first: bool, characters: int) -> float:
    """Return the weight of a page in its document's answer, 0.1 to 1. With fewer than 200 characters, it is lower."""
    return (FIRST_PAGE if is_first else LATER_PAGE) * min(1.0, 0.2 + characters / 250)


def combine(pages: Sequence[tuple[Sequence[float], float]]) -> list[float]:
    """Return the document's points: the weighted mean of its pages' points."""
    total = sum(weight for _points, weight in pages)
    return [
        sum(p * w for p, (_, w) in zip(column, pages, strict=True)) / total
        for column in zip(*(p for p, _ in pages), strict=True)
    ]
