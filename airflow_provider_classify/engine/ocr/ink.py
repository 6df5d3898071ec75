"""Decide whether a picture shows ink outside the text that is already known."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from airflow_provider_classify.engine.ocr.page_image import Picture
from airflow_provider_classify.engine.page import Line

#: Longest side of the picture in which ink is looked for, in pixels: strokes of letters are one pixel wide there.
_SIDE = 700
#: Ink differs by this many greys from the lightest and darkest greys within this many pixels.
_DIFFERENCE, _REACH = 40, 9
#: The fewest pixels of ink that count as a word of small print.
_WORD = 60
#: Known lines are grown by this many pixels on all sides.
_MARGIN = 3


def has_ink_beside(picture: Picture, lines: Iterable[Line]) -> bool:
    """
    Return whether fine strokes lie outside the lines; an even or shaded ground has none.

    :param lines: the known text, in fractions of the picture.
    """
    scale = min(1.0, _SIDE / max(1, picture.width, picture.height))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    grey = cv2.cvtColor(cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    kernel = np.ones((_REACH, _REACH), np.uint8)
    strokes = cv2.max(
        cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel), cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel)
    )
    ink = strokes > _DIFFERENCE
    for line in lines:
        x0, x1 = round(line.x0 * size[0]) - _MARGIN, round(line.x1 * size[0]) + _MARGIN
        y0, y1 = round(line.y0 * size[1]) - _MARGIN, round(line.y1 * size[1]) + _MARGIN
        ink[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = False
    return int(ink.sum()) >= _WORD
