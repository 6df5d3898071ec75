"""Measure the positions and sizes of the lines of a page."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.features import Features

#: Upper bounds of the bins of a measure. The last bin has no upper bound.
_LEFT = (0.06, 0.1, 0.14, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
_WIDTH = (0.05, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7)
_TOP = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85)
_SIZE = (0.6, 0.9, 1.1, 1.5, 2.0, 3.0, 5.0)
#: Bounds of the page's height divided by its width: slides, landscape sheets, cards, squares, letter, A4, slips, till
#: rolls.
_RATIO = (0.6, 0.69, 0.73, 0.8, 1.0, 1.2, 1.33, 1.38, 1.45, 1.7, 2.2)
#: The page's width is divided into this many parts. Edges in the same part count as aligned.
_EDGE_BINS = 50
#: The most lines that are measured.
_MAX_LINES = 300

NAMES: tuple[str, ...] = (
    *(f"left:{n}" for n in range(len(_LEFT) + 1)),
    *(f"width:{n}" for n in range(len(_WIDTH) + 1)),
    *(f"top:{n}" for n in range(len(_TOP) + 1)),
    *(f"size:{n}" for n in range(len(_SIZE) + 1)),
    *(f"ratio:{n}" for n in range(len(_RATIO) + 1)),
    "layout:ratio", "layout:side_by_side", "layout:largest", "layout:largest_top", "layout:largest_words",
    "layout:line_size", "layout:line_width", "layout:aligned", "layout:second_edge", "layout:edges",
    "layout:right_edge",
    "layout:centred", "layout:covered", "layout:above", "layout:below", "layout:sizes", "layout:empty_right",
    "layout:gaps", "layout:pictured", "layout:page", "layout:large_characters", "layout:unread",
)  # fmt: skip


def layout_measures(page: Page, features: Features) -> list[float]:
    """Return the measures that ``NAMES`` lists. Most of them lie between 0 and 2."""
    lines = (*page.lines, *page.unread)[:_MAX_LINES]
    ratio = features.height_ratio
    ratios = [0.0] * (len(_RATIO) + 1)
    ratios[bisect_right(_RATIO, ratio)] = 1.0
    if not lines:
        blank = len(NAMES) - len(ratios) - _SINGLE
        return [*[0.0] * blank, *ratios, math.log(max(0.05, ratio)), *[0.0] * (_SINGLE - 1)]
    count = len(lines)
    sizes = sorted(line.size for line in lines)
    median = max(1e-6, sizes[count // 2])
    left = Counter(int(line.x0 * _EDGE_BINS) for line in lines)
    right = Counter(int(line.x1 * _EDGE_BINS) for line in lines)
    edges = [n for _, n in left.most_common(3)]
    largest = max(lines, key=lambda line: (line.size, -line.y0))
    tops, bottoms = sorted(line.y0 for line in lines), sorted(line.y1 for line in lines)
    characters = max(1, features.characters)
    return [
        *_shares([line.x0 for line in lines], _LEFT),
        *_shares([line.x1 - line.x0 for line in lines], _WIDTH),
        *_shares(tops, _TOP),
        *_shares([size / median for size in sizes], _SIZE),
        *ratios,
        math.log(max(0.05, ratio)),
        min(4.0, features.side_by_side) / 2,
        math.log(max(1.0, features.largest)),
        largest.y0,
        math.log1p(len(largest.text.split())) / 2,
        min(0.1, features.line_size) * 20,
        features.line_width,
        edges[0] / count,
        edges[1] / count if len(edges) > 1 else 0.0,
        len(left) / min(count, _EDGE_BINS),
        right.most_common(1)[0][1] / count,
        sum(abs(line.x0 + line.x1 - 1.0) < 0.03 and line.x1 - line.x0 < 0.6 for line in lines) / count,
        min(1.5, sum((line.x1 - line.x0) * (line.y1 - line.y0) for line in lines)),
        tops[0],
        1.0 - bottoms[-1],
        len({round(size / median, 1) for size in sizes}) / 10,
        1.0 - max(line.x1 for line in lines),
        max((below - above for above, below in pairwise(tops)), default=0.0),
        page.pictured,
        math.log1p(page.number) / 2,
        sum(len(line.text) for line in lines if line.size > 1.5 * median) / characters,
        len(page.unread) / count,
    ]


#: The number of measures that are not bins.
_SINGLE = sum(name.startswith("layout:") for name in NAMES)


def _shares(values: Sequence[float], bounds: Sequence[float]) -> list[float]:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_right(bounds, value)] += 1
    return [count / len(values) for count in counts]
