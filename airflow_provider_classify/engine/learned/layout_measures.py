"""Measure the positions and sizes of the lines of a page."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
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
    lefts, rights = [line.x0 for line in lines], [line.x1 for line in lines]
    tops, bottoms = [line.y0 for line in lines], [line.y1 for line in lines]
    widths = [x1 - x0 for x0, x1 in zip(lefts, rights, strict=True)]
    sizes = sorted([line.size for line in lines])
    median = max(1e-6, sizes[count // 2])
    relative = [size / median for size in sizes]
    left_edges = Counter([int(x0 * _EDGE_BINS) for x0 in lefts])
    right_edges = Counter([int(x1 * _EDGE_BINS) for x1 in rights])
    edges = [n for _, n in left_edges.most_common(2)]
    largest = min([line for line in lines if line.size == sizes[-1]], key=lambda line: line.y0)
    covered = sum([width * (y1 - y0) for width, y0, y1 in zip(widths, tops, bottoms, strict=True)])
    centred = sum(
        [width < 0.6 and abs(x0 + x1 - 1.0) < 0.03 for width, x0, x1 in zip(widths, lefts, rights, strict=True)]
    )
    tops.sort()
    characters = max(1, features.characters)
    return [
        *_shares(sorted(lefts), _LEFT),
        *_shares(sorted(widths), _WIDTH),
        *_shares(tops, _TOP),
        *_shares(relative, _SIZE),
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
        len(left_edges) / min(count, _EDGE_BINS),
        max(right_edges.values()) / count,
        centred / count,
        min(1.5, covered),
        tops[0],
        1.0 - max(bottoms),
        len({round(size, 1) for size in relative}) / 10,
        1.0 - max(rights),
        max([below - above for above, below in pairwise(tops)], default=0.0),
        page.pictured,
        math.log1p(page.number) / 2,
        sum([len(line.text) for line in lines if line.size > 1.5 * median]) / characters,
        len(page.unread) / count,
    ]


#: The number of measures that are not bins.
_SINGLE = sum(name.startswith("layout:") for name in NAMES)


def _shares(values: Sequence[float], bounds: Sequence[float]) -> list[float]:
    """Return the share of the values in each bin. ``values`` are sorted."""
    ends = [0, *(bisect_left(values, bound) for bound in bounds), len(values)]
    return [(end - begin) / len(values) for begin, end in pairwise(ends)]
