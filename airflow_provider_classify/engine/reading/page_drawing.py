"""Draw a page of a PDF, Office or HTML document: for OCR, to search it for letters, and to see what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pymupdf
from numpy.typing import NDArray

from airflow_provider_classify.engine.learned import looks
from airflow_provider_classify.engine.page import Page, Region
from airflow_provider_classify.engine.reading.rendering import render

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture

#: The longest side of the drawing that is searched for letters, in pixels. A stroke of a letter is then one pixel wide.
SIDE = 700

#: The pixels of a drawing in red, green and blue: height x width x 3.
Drawing = NDArray[np.uint8]


def picture_of(page: Any, region: Region | None = None) -> Picture:
    """Return the picture of a page, or of a region of it, at the scale at which OCR reads it."""
    from airflow_provider_classify.engine.ocr import Picture, reading_scale

    clip = page.rect
    if region is not None:
        (x0, y0), (width, height) = clip.top_left, (clip.width, clip.height)
        clip = pymupdf.Rect(
            x0 + region.x0 * width, y0 + region.y0 * height, x0 + region.x1 * width, y0 + region.y1 * height
        )
    scale = reading_scale(clip.width, clip.height)
    pixels = render(page, clip, scale, scale)
    return Picture.from_rgb(pixels.samples, width=pixels.width, height=pixels.height, stride=pixels.stride)


def draw(page: Any) -> Drawing:
    """Return a drawing of the page whose longest side has ``SIDE`` pixels."""
    zoom = SIDE / max(1.0, page.rect.width, page.rect.height)
    return _drawing(render(page, page.rect, zoom, zoom))


def with_look(page: Any, text: Page, drawing: Drawing | None = None) -> Page:
    """
    Return the text of a page with what the page looks like. If its size cannot be matched, return only the text.

    :param drawing: the result of :func:`draw` if the page was already drawn. Decoding large pictures takes most of the
        time of a drawing, and MuPDF would decode them again for another size.
    """
    if drawing is not None:
        import cv2  # the drawing was searched for letters, which needs this module, too

        small = cv2.resize(drawing, (looks.WIDTH, looks.HEIGHT), interpolation=cv2.INTER_AREA)
    else:
        width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
        small = _drawing(render(page, page.rect, looks.WIDTH / width, looks.HEIGHT / height))
    if small.shape != (looks.HEIGHT, looks.WIDTH, 3):
        return text
    return replace(text, look=looks.look_of(small))


def _drawing(pixels: Any) -> Drawing:
    """Return the pixels of a ``pymupdf.Pixmap`` without the padding of its rows."""
    rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
    return rows[:, : 3 * pixels.width].reshape(pixels.height, pixels.width, 3)
