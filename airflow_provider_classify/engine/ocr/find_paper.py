"""Find the paper in a photograph in which it is small, so that it can be read in a higher resolution."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import cv2
import numpy as np

from airflow_provider_classify.engine.ocr.detect_lines import TextBox
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.page import Region

#: Print is too small to be read if the height of its lines is below this, in pixels of the picture.
SMALL_PRINT = 16.0
#: Print that is not on a sheet is large if its lines are at least this high, in pixels of the picture. Then no closer
#: picture is needed. A sheet may have a high heading over small print.
LARGE_PRINT = 32.0
#: On a sheet with at most this share of the picture's area, some print is too small even if the detected lines are high
#: enough.
SMALL_SHEET = 0.2
#: The same limit for text that is not on a sheet.
SMALL_TEXT = 0.05
#: A closer picture is made of a region that has at most this share of the picture's width or height.
MOST = 0.7
#: The region has at least this share of the picture's area.
LEAST_AREA = 0.002
#: A sheet fills at least this share of the rectangle around it.
FILLED = 0.6
#: A sheet has at least this share of the detected text.
SHARE_OF_TEXT = 0.6
#: The margin around a sheet, in shares of its size. Around text it is wider, because lines of small print may not have
#: been detected.
MARGIN, MARGIN_OF_TEXT = 0.04, 0.8
#: The longer side of a region around text is at most this many times as long as the shorter one. A longer picture would
#: be cut into tiles, which divide its lines.
LONGEST = 2.0
#: Longest side of the thumbnail that is searched for paper, in pixels.
_THUMBNAIL = 320


def region_of_small_print(pixels: Pixels, boxes: Sequence[TextBox]) -> Region | None:
    """
    Return the region of a picture that holds its text, if the region is small and its print may be too small to read.

    :param boxes: the lines of text that were detected. There may be none if the print is too small.
    """
    height, width = pixels.shape[:2]
    line_height = median(box.size for box in boxes) if boxes else 0.0
    is_small_print = line_height < SMALL_PRINT
    sheet = _sheet(pixels, boxes)
    found = sheet or _extent(boxes, width, height)
    if found is None or not _is_small(found) or (sheet is None and line_height >= LARGE_PRINT):
        return None
    most = SMALL_SHEET if sheet else SMALL_TEXT
    if not is_small_print and (found.x1 - found.x0) * (found.y1 - found.y0) > most:
        return None
    margin = MARGIN if sheet else MARGIN_OF_TEXT
    across, down = margin * (found.x1 - found.x0), margin * (found.y1 - found.y0)
    region = Region(
        max(0.0, found.x0 - across), max(0.0, found.y0 - down), min(1.0, found.x1 + across), min(1.0, found.y1 + down)
    )
    return region if sheet else _not_too_long(region, width, height)


def _not_too_long(region: Region, width: int, height: int) -> Region:
    """Enlarge the shorter side of a region, so that the longer one is at most ``LONGEST`` times as long in pixels."""
    across, down = (region.x1 - region.x0) * width, (region.y1 - region.y0) * height
    x0, x1 = _stretched(region.x0, region.x1, down / LONGEST / width)
    y0, y1 = _stretched(region.y0, region.y1, across / LONGEST / height)
    return Region(x0, y0, x1, y1)


def _stretched(start: float, end: float, least: float) -> tuple[float, float]:
    """Return an interval around this one, within 0 and 1, that has at least a length."""
    length = min(1.0, max(end - start, least))
    start = min(max(0.0, (start + end - length) / 2), 1.0 - length)
    return start, start + length


def _is_small(region: Region) -> bool:
    across, down = region.x1 - region.x0, region.y1 - region.y0
    return min(across, down) <= MOST and across * down >= LEAST_AREA


def _sheet(pixels: Pixels, boxes: Sequence[TextBox]) -> Region | None:
    """Return the largest light sheet on a darker background that has most of the text on it."""
    scale = _THUMBNAIL / max(pixels.shape[:2])
    width, height = (max(1, round(side * scale)) for side in pixels.shape[1::-1])
    grey = cv2.cvtColor(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    _, light = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(light)
    for x, y, wide, high, area in sorted(stats[1:].tolist(), key=lambda part: -part[4]):
        sheet = Region(x / width, y / height, (x + wide) / width, (y + high) / height)
        if not _is_small(sheet) or area < FILLED * wide * high:
            continue
        if _has_most_text(sheet, boxes, pixels.shape[1], pixels.shape[0]):
            return sheet
    return None


def _has_most_text(region: Region, boxes: Sequence[TextBox], width: int, height: int) -> bool:
    inside = 0.0
    for box in boxes:
        x, y = box.corners.mean(axis=0) / (width, height)
        inside += box.letters if region.x0 <= x <= region.x1 and region.y0 <= y <= region.y1 else 0.0
    return inside >= SHARE_OF_TEXT * sum(box.letters for box in boxes)


def _extent(boxes: Sequence[TextBox], width: int, height: int) -> Region | None:
    """Return the rectangle around all text."""
    if not boxes:
        return None
    bounds = np.array([box.bounds for box in boxes])
    x0, y0 = bounds[:, :2].min(axis=0) / (width, height)
    x1, y1 = bounds[:, 2:].max(axis=0) / (width, height)
    return Region(float(x0), float(y0), float(x1), float(y1))
