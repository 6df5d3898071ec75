"""Draw a page of a PDF, Office or HTML document: for OCR, and to see what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pymupdf

from airflow_provider_classify.engine.learned import looks
from airflow_provider_classify.engine.page import Page, Region
from airflow_provider_classify.engine.reading.rendering import render

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture


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


def with_look(page: Any, text: Page) -> Page:
    """Return the text of a page with what the page looks like. If its size cannot be matched, return only the text."""
    width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
    pixels = render(page, page.rect, looks.WIDTH / width, looks.HEIGHT / height)
    if (pixels.width, pixels.height) != (looks.WIDTH, looks.HEIGHT):
        return text
    rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
    return replace(text, look=looks.look_of(rows[:, : 3 * pixels.width].reshape(looks.HEIGHT, looks.WIDTH, 3)))
