"""Represent a page by its lines of text, each with size and place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

TextSource = Literal["text_layer", "ocr"]
#: A page has _BANDS horizontal bands; lines with their upper edges in the same band are beside each other. A page
#: that is higher than _LONG times its width has proportionally more bands. A page with large print has fewer bands: a
#: band is at least _OF_LINE times as high as the median line.
_BANDS, _LONG, _OF_LINE = 50, 1.6, 0.7


class Line(NamedTuple):
    """
    One line of text. A page has hundreds of them, and a tuple is created faster than a dataclass.

    ``size`` is the font size in points (text layer) or the line's height in pixels (OCR). Compare it only with
    other lines of the same page. ``x0 y0 x1 y1`` are fractions of the page, 0 to 1, from its top left corner.
    """

    text: str
    size: float
    x0: float
    y0: float
    x1: float
    y1: float


class Region(NamedTuple):
    """A rectangle on a page, in fractions of its width and height from its top left corner."""

    x0: float
    y0: float
    x1: float
    y1: float


WHOLE_PAGE = Region(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class View:
    """
    The picture from which a page was read.

    :param region: the part of the page that the picture shows.
    :param quarters: the number of turns of this part by 90°, counterclockwise.
    """

    region: Region = WHOLE_PAGE
    quarters: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page, with the lines that have been read so far.

    Its size and the places of its lines are those of its ``view``.

    :param number: the number of the page, from 1.
    :param width: the width, in points or pixels; the ``height`` has the same unit.
    :param lines: the lines in reading order.
    :param source: the source of the text: the text layer or OCR.
    :param unread: lines that OCR has detected and not yet recognised; their text is empty.
    :param pictured: the share of the page that pictures among its text cover, 0 to 1; 0 if OCR did not measure it.
    :param legibility: the mean probability of the characters that OCR read, 0 to 1. Print is mostly above 0.9;
        handwriting and bad copies are below.
    :param is_of_unknown_script: whether OCR detected lines of text and recognised almost no letters in them.
    :param is_blank: whether the page has neither text nor ink.
    :param view: the part of the page that was read, and how it was turned.
    :param look: what the page looks like (see :func:`~.learned.looks.look_of`); None if it was not measured.
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
    view: View = View()
    look: tuple[float, ...] | None = None

    def place(self, line: Line) -> Region:
        """Return the place of one of these lines on the whole page, before the page was turned."""
        line = turned(line, -self.view.quarters)
        x0, y0, x1, y1 = self.view.region
        width, height = x1 - x0, y1 - y0
        return Region(x0 + line.x0 * width, y0 + line.y0 * height, x0 + line.x1 * width, y0 + line.y1 * height)


def turned(line: Line, quarters: int) -> Line:
    """Return a line with its place after ``quarters`` turns of the page by 90°, counterclockwise."""
    for _ in range(quarters % 4):
        line = line._replace(x0=line.y0, y0=1 - line.x1, x1=line.y1, y1=1 - line.x0)
    return line


def by_place(lines: Iterable[Line], height_ratio: float) -> tuple[Line, ...]:
    """
    Order lines from top to bottom. Order lines beside each other from left to right.

    :param height_ratio: the page's height divided by its width.
    """
    lines = tuple(lines)
    bands = _BANDS * max(1.0, height_ratio / _LONG)
    if lines and (height := median(line.y1 - line.y0 for line in lines)) > 0:
        bands = min(bands, 1 / (_OF_LINE * height))
    return tuple(sorted(lines, key=lambda line: (round(line.y0 * bands), line.x0)))
