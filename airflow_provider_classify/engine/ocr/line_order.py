"""Choose the lines of a page that are recognised first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from statistics import median

#: The number of lines that are recognised after each pass. Recognition takes more than half of the time, so an early
#: answer saves much.
PASSES = (9, 18, 30, 44)
#: The greatest size of a line that counts, in multiples of the median size.
_MAX_SIZE = 3.0
#: A line at the bottom of the page counts this much less than one at the top.
_DEPTH_COST = 1.2
#: A long line counts this much more. A line is long from this share of the page's width on. Cells with figures in
#: tables are shorter.
_LENGTH_WORTH, _LONG = 0.3, 0.25
#: The most lines that are chosen only because they are spread over the page.
_SPREAD = 40


def most_useful_first(sizes: Sequence[float], middles: Sequence[float], lengths: Sequence[float]) -> list[int]:
    """
    Order a page's lines so that the most useful lines come first: large, near the top, and long.

    Every third line comes from lines that are spread evenly over the page, beginning at the bottom, where totals,
    signatures and the sender's details are.

    :param sizes: each line's height of text, in pixels.
    :param middles: each line's distance from the top, 0 to 1.
    :param lengths: each line's length, as a share of the page's width.
    :returns: the lines' indices, each once.
    """
    if not sizes:
        return []
    usual = max(1.0, median(sizes))
    worth = [
        min(size / usual, _MAX_SIZE) - _DEPTH_COST * middle + _LENGTH_WORTH * min(1.0, length / _LONG)
        for size, middle, length in zip(sizes, middles, lengths, strict=True)
    ]
    by_worth = sorted(range(len(sizes)), key=lambda line: -worth[line])
    spread = _spread_from_bottom(sorted(range(len(sizes)), key=lambda line: middles[line]))
    picks = zip_longest(by_worth[::2], by_worth[1::2], spread)
    return list(dict.fromkeys(line for pick in picks for line in pick if line is not None))


def _spread_from_bottom(by_middle: Sequence[int]) -> list[int]:
    last, count = len(by_middle) - 1, min(len(by_middle), _SPREAD)
    return [by_middle[round(last * (1 - step / max(1, count - 1)))] for step in range(count)]
