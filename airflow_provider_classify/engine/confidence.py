"""
Turn points into probabilities, by pure functions.

``benchmarks/accuracy.py`` measures the calibration. The temperature is a little above the one that fits the labelled
documents best. The knowledge was written for these documents, so answers on other documents are less often right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: The softmax divides points by this. A higher temperature makes all answers less sure.
TEMPERATURE = 0.38
#: How much the points of a page without text count, 0 to 1. They count more with each character.
LEAST_TRUST = 0.35
#: Each character adds the 120th part of 1.
ENOUGH_TEXT = 120
#: The legibility, 0 to 1, below which the points of a page count less, in proportion.
LEGIBLE = 0.9
#: The weights of a document's first page, which says most, and of each later page.
FIRST_PAGE, LATER_PAGE = 1.0, 0.5
#: The least points of a category with an unknown name: as many as the best wrong type commonly scores by chance.
POINTS_OF_UNKNOWN = 2.0
#: The least points of "none of the categories", if the name of each category is known.
POINTS_OF_NONE = 1.0
#: Points that a type without a category loses: there are many such types, and some match by chance.
UNCLAIMED_COST = 1.0
#: The probability above which no more lines of a page are read: when at least half of the lines are read, and before.
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
    :param claims: how much each type counts for the category that it counts for most, 0 to 1. The rest counts for
        "none of the categories".
    :param least: the least points that are returned.
    :param share: how much the scores count, 0 to 1.
    :param corrections: the points that the learned model adds for each type; none if None.
    """
    unclaimed = (
        share * (score + (math.log(1.0 - claim) if claim else 0.0) - UNCLAIMED_COST) + correction
        for score, claim, correction in zip(scores, claims, corrections or [0.0] * len(scores), strict=True)
        if claim < 1.0
    )
    return max([least, *unclaimed])


def least_of_none(*, all_known: bool) -> float:
    """Return the least points of "none of the categories": as many as an unknown category has by chance."""
    return POINTS_OF_NONE if all_known else max(POINTS_OF_NONE, POINTS_OF_UNKNOWN)


def trust(characters: int, legibility: float) -> float:
    """
    Return how much points for the text of a page count, 0 to 1.

    They count less on pages with little text or with text that OCR can hardly read, so the answer is less sure.

    :param characters: the number of characters of the page.
    :param legibility: how sure OCR is of the text, 0 to 1.
    """
    return min(1.0, LEAST_TRUST + characters / ENOUGH_TEXT) * min(1.0, legibility / LEGIBLE)


def is_sure(share: float, *, lines: int, unread: int) -> bool:
    """
    Return whether more lines would hardly change a page's answer.

    :param share: the probability of its best category, 0 to 1.
    :param lines: the number of lines that were read.
    :param unread: the number of lines that were not.
    """
    return share > (SURE if lines >= unread else SURE_OF_LITTLE)


def page_weight(is_first: bool, characters: int) -> float:
    """Return the weight of a page in its document's answer."""
    return (FIRST_PAGE if is_first else LATER_PAGE) * min(1.0, 0.2 + characters / 250)


def combine(pages: Sequence[tuple[Sequence[float], float]]) -> list[float]:
    """Return the document's points: the mean of its pages' points by weight."""
    total = sum(weight for _points, weight in pages)
    return [
        sum(p * w for p, (_, w) in zip(column, pages, strict=True)) / total
        for column in zip(*(p for p, _ in pages), strict=True)
    ]
