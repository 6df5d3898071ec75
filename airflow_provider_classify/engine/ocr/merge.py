"""Merge a page's text layer with the lines that OCR reads, and find the lines that OCR may skip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from airflow_provider_classify.engine.ocr.detect_lines import TextBox
from airflow_provider_classify.engine.page import Line, Page, by_place, turned

#: A line that OCR detects is in the text layer if lines of the text layer cover at least the first share of it. These
#: lines are first grown on all sides by the second value, a share of their height.
COVERED, GROWN = 0.5, 0.2
#: A line's box in a picture is this many times as high as its font size.
BOX_OF_FONT = 1.45


def boxes_beside(boxes: Sequence[TextBox], lines: Sequence[Line], width: int, height: int) -> list[TextBox]:
    """
    Return the boxes that are not covered by lines of the text layer.

    :param width: the width of the picture in pixels.
    :param height: the height of the picture in pixels.
    """
    if not boxes or not lines:
        return list(boxes)
    text = np.array([(line.x0, line.y0, line.x1, line.y1) for line in lines]) * (width, height, width, height)
    grown = GROWN * (text[:, 3] - text[:, 1])[:, None]
    text += np.concatenate([-grown, -grown, grown, grown], axis=1)
    beside = []
    for box in boxes:
        x0, y0, x1, y1 = box.bounds
        across = np.clip(np.minimum(text[:, 2], x1) - np.maximum(text[:, 0], x0), 0, None)
        down = np.clip(np.minimum(text[:, 3], y1) - np.maximum(text[:, 1], y0), 0, None)
        if (across * down).sum() < COVERED * (x1 - x0) * (y1 - y0):
            beside.append(box)
    return beside


def turned_lines(lines: Iterable[Line], quarters: int) -> tuple[Line, ...]:
    """Return lines with their places after the page was turned counterclockwise by ``quarters`` times 90°."""
    return tuple(turned(line, quarters) for line in lines)


def merged(text: Page, ocr: Page) -> Page:
    """
    Return one page with the lines of the text layer and the lines that OCR read beside them.

    The page has the source and the unit of sizes of the part with more text. It is turned as OCR turned the page.
    """
    quarters = ocr.view.quarters
    lines = turned_lines(text.lines, quarters)
    width, height = (text.height, text.width) if quarters % 2 else (text.width, text.height)
    pixels_of_font = BOX_OF_FONT * ocr.height / max(1.0, height)
    of_text, of_ocr = (sum(len(line.text) for line in page.lines) for page in (text, ocr))
    legibility = (of_text + of_ocr * ocr.legibility) / max(1, of_text + of_ocr)
    if of_text < of_ocr:
        scaled = (line._replace(size=line.size * pixels_of_font) for line in lines)
        together = by_place([*scaled, *ocr.lines], ocr.height / max(1.0, ocr.width))
        return replace(ocr, lines=together, legibility=legibility)
    scaled = (line._replace(size=line.size / pixels_of_font) for line in ocr.lines)
    return Page(
        number=text.number,
        width=width,
        height=height,
        lines=(*lines, *scaled),
        source="text_layer",
        unread=tuple(line._replace(size=line.size / pixels_of_font) for line in ocr.unread),
        pictured=ocr.pictured,
        legibility=legibility,
        view=ocr.view,
        look=ocr.look,
    )
