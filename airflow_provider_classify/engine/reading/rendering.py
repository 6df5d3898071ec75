"""
Render a page of MuPDF, or a part of it, into pixels.

``Page.get_pixmap`` first records the page into a display list. If the tree of the page's tags is damaged, MuPDF 1.28.2
cannot record the page (``fz_new_display_list_from_page``) and frees memory twice, which aborts the process. So the page
is drawn directly. This also takes half the time, and the pixels are the same.
"""

from __future__ import annotations

from typing import Any

import pymupdf
from pymupdf import mupdf

_WHITE = 255


def render(page: Any, clip: Any, zoom_x: float, zoom_y: float) -> Any:
    """
    Return the pixels of a part of a page, in RGB on white.

    :param clip: the part, a ``pymupdf.Rect`` in points, which is cut to the page.
    :param zoom_x: pixels for each point in width; ``zoom_y`` in height.
    :returns: a ``pymupdf.Pixmap`` without transparency.
    :raises Exception: one of ``MUPDF_ERRORS``; MuPDF cannot draw the page.
    """
    matrix = mupdf.fz_make_matrix(zoom_x, 0, 0, zoom_y, 0, 0)
    area = clip & page.rect
    rectangle = mupdf.fz_transform_rect(mupdf.fz_make_rect(*area), matrix)
    box = mupdf.fz_round_rect(rectangle)
    pixels = mupdf.fz_new_pixmap_with_bbox(mupdf.fz_device_rgb(), box, mupdf.FzSeparations(), 0)
    mupdf.fz_clear_pixmap_with_value(pixels, _WHITE)
    device = mupdf.fz_new_draw_device_with_bbox(matrix, pixels, box)
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return pymupdf.Pixmap("raw", pixels)
