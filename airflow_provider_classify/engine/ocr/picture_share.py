"""Measure how much of a page pictures cover."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from airflow_provider_classify.engine.ocr.detect_lines import TextBox
from airflow_provider_classify.engine.ocr.page_image import Pixels

#: Longest side of the reduced picture that is measured, in pixels.
_SIDE = 700
#: The grey of the paper is this percentile of the greys. In the blurred page, a pixel is not paper if its grey differs
#: from that by more than the second value, of 256. The third value is the standard deviation of the blur, in pixels.
_PAPER, _DIFFERENCE, _BLUR = 90, 40, 4


def pictured_share(pixels: Pixels, boxes: Sequence[TextBox]) -> float:
    """
    Return the share of a page, 0 to 1, that is neither text nor paper and lies among the text.

    The area outside all text does not count. In a photograph of a page, it shows the table on which the page lies.

    :param boxes: the page's lines of text.
    """
    if not boxes:
        return 0.0
    scale = _SIDE / max(pixels.shape[:2])
    width, height = (max(1, round(side * scale)) for side in pixels.shape[1::-1])
    grey = cv2.cvtColor(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    lines = [(box.corners * scale).astype(np.int32) for box in boxes]
    left, top, wide, high = cv2.boundingRect(np.concatenate(lines))
    among = (slice(max(0, top), max(0, top + high)), slice(max(0, left), max(0, left + wide)))
    if not grey[among].size:
        return 0.0
    blurred = cv2.GaussianBlur(grey, (0, 0), _BLUR).astype(np.float32)
    other = (np.abs(blurred - np.percentile(grey[among], _PAPER)) > _DIFFERENCE).astype(np.uint8)
    for corners in lines:
        cv2.fillConvexPoly(other, corners, 0)
    return float(other[among].sum() / grey.size)
