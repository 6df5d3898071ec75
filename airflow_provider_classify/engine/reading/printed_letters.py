"""Estimate how many printed letters a picture shows, without a model: by strokes in rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from airflow_provider_classify.engine.page import Line
from airflow_provider_classify.exceptions import ExtraNotInstalled

try:
    import cv2
    import numpy as np
except ImportError as error:
    raise ExtraNotInstalled(
        f"OCR needs the package {error.name!r}; install airflow-provider-classify[local] where the tasks run."
    ) from error

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr.page_image import Pixels
    from airflow_provider_classify.engine.reading.page_drawing import Drawing

#: A stroke is darker or lighter than its surroundings by more than this many of 256 greys. The surroundings are a
#: square whose side has this many pixels.
_DIFFERENCE, _REACH = 40, 9
#: Strokes that are at most this many pixels apart belong to one row of letters.
_GAP = 6
#: The least and the greatest height of a row of letters in pixels, and its least length, as a multiple of its height.
_HEIGHTS, _LONG = (3, 40), 1.8
#: The least and the greatest share of a row's pixels that are in strokes. A frame has a lower share, and a rule or an
#: even area has a higher one.
_INK = (0.12, 0.85)
#: The width of a letter, in heights of its row.
_WIDTH = 0.7
#: A row of letters has at least this many strokes for each letter that fits in it. The outline of an area has fewer.
_STROKES = 0.35
#: Known lines are grown by this many pixels on all sides.
_MARGIN = 3
#: The fewest pixels that all strokes of a picture have. Fewer pixels are dust.
_DUST = 60


class Strokes:
    """
    The strokes that a picture shows outside known lines.

    :param grey: the greys of the picture, height x width. Its longest side has about
        :data:`~.reading.page_drawing.SIDE` pixels.
    :param lines: the known text, in fractions of the picture.
    """

    def __init__(self, grey: Pixels, lines: Iterable[Line]) -> None:
        height, width = grey.shape
        kernel = np.ones((_REACH, _REACH), np.uint8)
        # Dark and light strokes are counted separately, because the paper between two dark rows is a light stroke.
        self._dark, self._light = (
            (cv2.morphologyEx(grey, operation, kernel) > _DIFFERENCE).astype(np.uint8)
            for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
        )
        for line in lines:
            x0, x1 = round(line.x0 * width) - _MARGIN, round(line.x1 * width) + _MARGIN
            y0, y1 = round(line.y0 * height) - _MARGIN, round(line.y1 * height) + _MARGIN
            for strokes in (self._dark, self._light):
                strokes[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 0

    @classmethod
    def of_drawing(cls, drawing: Drawing, lines: Iterable[Line]) -> Self:
        """Return the strokes in a drawing of a page."""
        return cls(cv2.cvtColor(drawing, cv2.COLOR_RGB2GRAY), lines)

    def has_any(self) -> bool:
        """Return whether there are strokes, and not only dust. An even or shaded area has none."""
        return int((self._dark | self._light).sum()) >= _DUST

    def letters(self) -> float:
        """Return the estimated number of letters: the most of dark or light ones, in horizontal or vertical rows."""
        turned = (np.ascontiguousarray(strokes.T) for strokes in (self._dark, self._light))
        return max(_letters_in_rows(strokes) for strokes in (self._dark, self._light, *turned))


def _letters_in_rows(strokes: Pixels) -> float:
    """Return the estimated number of letters in rows from left to right."""
    rows = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((1, _GAP + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(rows)
    letters = 0.0
    for x, y, width, height, _ in stats[1:].tolist():
        if not _HEIGHTS[0] <= height <= _HEIGHTS[1] or width < _LONG * height:
            continue
        row = strokes[y : y + height, x : x + width]
        room = width / (_WIDTH * height)
        # Each stroke begins and ends once in a line of pixels that crosses it.
        crossed = np.count_nonzero(row[:, 1:] != row[:, :-1]) / (2 * height)
        if _INK[0] <= row.mean() <= _INK[1] and crossed >= _STROKES * room:
            letters += room
    return letters
