"""
From points to probabilities: pure functions.

``benchmarks/accuracy.py`` measures the calibration. The temperature is a little above the one that fits the labelled
documents best, since the knowledge was written with these documents in view and is right less often on others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Points are divided by it before the softmax. The higher it is, the less sure are the answers.
TEMPERATURE = 0.38
#: How much the points of a page with no text count. They count more with each character, and fully from about
#: ENOUGH_TEXT characters on.
LEAST_TRUST = 0.35
ENOUGH_TEXT = 120
#: Below this legibility the points of a page count less, in proportion.
LEGIBLE = 0.9
#: The weight of the first page, which says most, and of each later page.
FIRST_PAGE, LATER_PAGE = 1.0, 0.5
#: Points that a category has at least of which nothing is known: as many as a page commonly scores by chance for the
#: best of the types that it is not.
POINTS_OF_UNKNOWN = 2.0
#: Points that "none of the categories" has at least, if something is known of each category.
POINTS_OF_NONE = 1.0
#: Points that a type loses that no category means: there are many such types, and some always match.
UNCLAIMED_COST = 1.0
#: The probability from which on no more lines of a page are read; the second while most of them are unread.
SURE, SURE_OF_LITTLE = 0.98, 0.997


def softmax(points: Sequence[float]) -> list[float]:
    """Return probabilities that sum to 1."""
    highest = max(points)
    powers = [math.exp((point - highest) / TEMPERATURE) for point in points]
    total = sum(powers)
    return [power / total for power in powers]


def points_of_none(scores: Sequence[float], claims: Sequence[float], least: float) -> float:
    """
    Return what speaks for a document being none of the categories.

    :param scores: of each known type.
    :param claims: how much each type counts for the category that it counts for most, 0 to 1. The rest of it
        speaks for none of them.
    :param least: the points that are returned at least.
    """
    unclaimed = (score + math.log(1.0 - claim) for score, claim in zip(scores, claims, strict=True) if claim < 1.0)
    return max(least, max(unclaimed, default=least) - UNCLAIMED_COST)


def least_of_none(*, all_known: bool) -> float:
    """Return the least points of "none of the categories": as many as an unknown category has by chance."""
    return POINTS_OF_NONE if all_known else max(POINTS_OF_NONE, POINTS_OF_UNKNOWN)


def trust(points: Sequence[float], characters: int, legibility: float) -> list[float]:
    """
    Shrink points towards a tie on pages with little text, or with text that OCR hardly reads.

    :param characters: the amount of text.
    :param legibility: how sure OCR is of the text, 0 to 1.
    """
    share = min(1.0, LEAST_TRUST + characters / ENOUGH_TEXT) * min(1.0, legibility / LEGIBLE)
    return [point * share for point in points]


def is_sure(share: float, *, lines: int, unread: int) -> bool:
    """
    Return whether reading on would hardly change a page's answer.

    :param share: the probability of its best category.
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
