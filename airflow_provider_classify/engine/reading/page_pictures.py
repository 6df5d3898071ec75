"""
Find the pictures on a page of a PyMuPDF document, and find out whether OCR read the text layer from one of them.

Most pages have no picture. So the list of the page's images and its drawing commands are examined first. This is ten
times faster than interpreting the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import pymupdf

from airflow_provider_classify.engine.reading.lines import Box
from airflow_provider_classify.engine.reading.text_layer import read_shapes

#: An image that covers this share of a page is a scan of it, or its background.
SCAN = 0.6
#: The fewest line and curve segments in text that is drawn as outlines. A drawing with fewer segments has no text.
LEAST_SEGMENTS = 100
_SEGMENT = re.compile(rb"\d\.?\s+[lcvy]\s")
_INLINE_IMAGE = re.compile(rb"\sID\s")


class PagePictures:
    """
    The pictures on a page. Each property is computed at its first use.

    :param page: a ``pymupdf.Page``.
    """

    def __init__(self, page: Any) -> None:
        self._page = page

    @cached_property
    def area(self) -> float:
        """
        The area that the images in the page's list would have at 72 dots per inch, as a share of the page.

        It is at least 1 for a scan of the whole page, because a scan has more than 72 dots per inch. Images whose bytes
        are among the drawing commands are not listed.
        """
        area: float = sum(width * height for _, _, width, height, *_ in self._listed)
        return area / max(1.0, float(self._page.rect.get_area()))

    @cached_property
    def boxes(self) -> Sequence[Box]:
        """The boxes of the images, in fractions of the page."""
        page = self._page
        if page.parent.is_pdf and not self._listed and not _INLINE_IMAGE.search(self._commands):
            return []
        rect, turn = page.rect, page.rotation_matrix
        width, height = max(1.0, rect.width), max(1.0, rect.height)
        # As for text, MuPDF gives the places of images before the rotation of the page.
        boxes = (pymupdf.Rect(info["bbox"]) * turn & rect for info in page.get_image_info())
        return [(box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height) for box in boxes if not box.is_empty]

    @cached_property
    def outlines(self) -> Sequence[Box]:
        """The boxes of the drawings, in fractions of the page; none if they are too simple to be text."""
        return read_shapes(self._page) if self._may_have_outlines() else ()

    @cached_property
    def is_scan(self) -> bool:
        """Whether an image covers most of the page."""
        return any((box[2] - box[0]) * (box[3] - box[1]) > SCAN for box in self.boxes)

    @cached_property
    def is_earlier_ocr(self) -> bool:
        """
        Whether most of the text is hidden.

        An OCR program read such text from a scan. The text is invisible, or the scan is drawn over it.
        """
        if self.area < 1.0:
            return False
        hidden = visible = 0
        area = self._page.rect.get_area()
        for kind, box in self._page.get_bboxlog():
            if kind == "fill-image" and pymupdf.Rect(box).get_area() > SCAN * area:
                hidden, visible = hidden + visible, 0
            elif kind == "ignore-text":
                hidden += 1
            elif kind.endswith("-text"):
                visible += 1
        return hidden > visible

    def _may_have_outlines(self) -> bool:
        page = self._page
        if not page.parent.is_pdf or page.get_xobjects() or page.first_annot or page.first_widget:
            return True  # their drawing commands are not among the page's own
        return sum(1 for _ in islice(_SEGMENT.finditer(self._commands), LEAST_SEGMENTS)) == LEAST_SEGMENTS

    @cached_property
    def _listed(self) -> Sequence[Any]:
        """The page's list of images."""
        return self._page.get_images()  # type: ignore[no-any-return]

    @cached_property
    def _commands(self) -> bytes:
        """The drawing commands of the page."""
        return bytes(self._page.read_contents())
