"""Decide whether a page may show text that its text layer lacks, in pictures or outlines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from airflow_provider_classify.engine.reading.lines import Box

#: The page is judged on a grid of this many columns and rows.
COLUMNS, ROWS = 64, 90
#: The greatest width and height of a letter drawn as an outline, in shares of the page.
LETTER_WIDTH, LETTER_HEIGHT = 0.1, 0.08
#: The least height of such a letter.
LEAST_HEIGHT = 0.003
#: The fewest such letters of a page with text in outlines. Fewer outlines are a drawing.
FEWEST_LETTERS = 30
#: A shape or an image may hold a whole text if it has at least this share of the page's area.
LEAST_AREA = 0.01
#: Pictures are read if they cover at least this share of the grid outside the text.
LEAST_UNCOVERED = 0.01
#: They must also cover at least this share of the number of cells that text covers. A logo on a page full of text
#: covers less.
LEAST_OF_TEXT = 0.2


class Doubt(Enum):
    """How much of the page's content the text layer may lack."""

    NONE = "none"
    #: Less than the text layer has, so the text layer is examined first.
    SOME = "some"
    #: More than the text layer has.
    MOST = "most"


def doubt_of(text: Iterable[Box], images: Iterable[Box], shapes: Sequence[Box]) -> Doubt:
    """
    Return how much the text layer may lack, by the places of text and pictures. Boxes are in fractions of the page.

    :param text: the lines of the text layer.
    :param images: all images; they may show text.
    :param shapes: all drawings except rectangles.
    """
    covered = _Grid()
    covered.fill(text)
    pictured = _Grid()
    pictured.fill(box for box in images if area_of(box) >= LEAST_AREA)
    letters = [box for box in shapes if _is_like_a_letter(box) and not covered.has_centre_of(box)]
    if len(letters) >= FEWEST_LETTERS:
        pictured.fill(letters)
    pictured.fill(box for box in shapes if area_of(box) >= LEAST_AREA and not _is_like_a_letter(box))
    uncovered = pictured.cells_without(covered)
    of_text = covered.cells()
    if uncovered < max(LEAST_UNCOVERED * COLUMNS * ROWS, LEAST_OF_TEXT * of_text):
        return Doubt.NONE
    return Doubt.MOST if uncovered > of_text else Doubt.SOME


class _Grid:
    """The cells of a page that are covered. Each row is an integer with a bit for each cell."""

    def __init__(self) -> None:
        self._rows = [0] * ROWS

    def fill(self, boxes: Iterable[Box]) -> None:
        for x0, y0, x1, y1 in boxes:
            left, right = _cell(x0, COLUMNS), _cell(x1, COLUMNS)
            bits = ((1 << (right - left + 1)) - 1) << left
            for row in range(_cell(y0, ROWS), _cell(y1, ROWS) + 1):
                self._rows[row] |= bits

    def has_centre_of(self, box: Box) -> bool:
        column, row = _cell((box[0] + box[2]) / 2, COLUMNS), _cell((box[1] + box[3]) / 2, ROWS)
        return bool(self._rows[row] >> column & 1)

    def cells(self) -> int:
        return sum(row.bit_count() for row in self._rows)

    def cells_without(self, other: _Grid) -> int:
        return sum((row & ~covered).bit_count() for row, covered in zip(self._rows, other._rows, strict=True))


def _cell(place: float, count: int) -> int:
    return min(count - 1, max(0, int(place * count)))


def area_of(box: Box) -> float:
    """Return the share of the page that the box covers."""
    x0, y0, x1, y1 = (min(1.0, max(0.0, side)) for side in box)
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)


def _is_like_a_letter(box: Box) -> bool:
    return box[2] - box[0] <= LETTER_WIDTH and LEAST_HEIGHT <= box[3] - box[1] <= LETTER_HEIGHT
