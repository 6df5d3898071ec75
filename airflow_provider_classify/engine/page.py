"""A page as the engine sees it: its lines of text, each with size and place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal

TextSource = Literal["text_layer", "ocr"]
#: Lines whose upper edges lie in the same one of this many bands of a page stand beside each other; a page that is
#: longer than this many times its width has as many more bands, and one with large print has fewer: a band is at least
#: this share of a line's height.
_BANDS, _LONG, _OF_LINE = 50, 1.6, 0.7
#: When to use OCR: where the text layer lacks what the page shows, on each page, or on none.
OcrMode = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of text.

    ``size`` is the font size in points (text layer) or the line's height in pixels (OCR), so compare it only
    with other lines of the same page. ``x0 y0 x1 y1`` are fractions of the page, 0 to 1, from its top left corner.
    """

    text: str
    size: float
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page as far as it has been read: ``number`` from 1, ``width`` and ``height`` in points
    or pixels, its lines in reading order, and where the text came from.

    ``unread`` are the lines that OCR sees but has not recognised (yet): their text is empty.
    ``pictured`` is the share of the page, 0 to 1, that is pictures among its text; 0 where OCR did not look.
    ``legibility`` is how sure OCR is of what it read, 0 to 1: print, mostly above 0.9; handwriting and bad copies.
    ``is_blank`` is true of a page with neither text nor ink.
    ``is_of_unknown_script`` is true where OCR sees lines of text and finds hardly a letter in them.
    """

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]
    source: TextSource
    unread: tuple[Line, ...] = ()
    pictured: float = 0.0
    legibility: float = 1.0
    is_of_unknown_script: bool = False
    is_blank: bool = False


def by_place(lines: Iterable[Line], height_ratio: float) -> tuple[Line, ...]:
    """
    Order lines from top to bottom, and from left to right where they stand beside each other.

    :param height_ratio: the page's height by its width.
    """
    lines = tuple(lines)
    bands = _BANDS * max(1.0, height_ratio / _LONG)
    if lines and (height := median(line.y1 - line.y0 for line in lines)) > 0:
        bands = min(bands, 1 / (_OF_LINE * height))
    return tuple(sorted(lines, key=lambda line: (round(line.y0 * bands), line.x0)))
