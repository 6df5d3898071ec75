"""
A page of a PDF, DOCX, PPTX or HTML document: its text layer, OCR, or both.

The text layer is free, and OCR costs half a second. So the text layer is compared with what the page shows: OCR reads
pages without text, text that is not what the page shows, and pictures and outlines where no text lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pymupdf

from airflow_provider_classify.engine.learned import looks
from airflow_provider_classify.engine.learned.looks import look_of
from airflow_provider_classify.engine.page import OcrMode, Page, Region
from airflow_provider_classify.engine.reading.lines import Box
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS, damage
from airflow_provider_classify.engine.reading.quality import (
    amount_of_text,
    better_reading,
    can_be_read_by_ocr,
    is_in_a_language,
    is_legible,
    is_readable,
    says_the_same,
)
from airflow_provider_classify.engine.reading.text_layer import TextLayer, read_shapes, read_text_layer
from airflow_provider_classify.engine.reading.uncovered import Doubt, doubt_of
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentNeedsOcr

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture

#: An image that covers this share of a page is a scan of it, or its background.
SCAN = 0.6
#: A page of small print has more lines than OCR reads. OCR replaces what an earlier OCR left only if it reads this
#: share of it at least.
LEAST_OF_EARLIER = 0.5
#: Text with fewer characters may be a stamp or a letterhead, so all images of the page are compared with it.
SHORT_TEXT = 600
#: On a page with more text, only images with this share of the page's area, at 72 dots an inch, are compared with it.
LARGE_IMAGE = 0.05
#: A page with this many characters of text shows by them what it is, so its images are not compared with it.
LONG_TEXT = 1200


@dataclass(frozen=True, slots=True)
class MupdfPage:
    """One page of an opened PyMuPDF document; ``name`` is what errors call the document."""

    document: Any
    number: int
    name: str
    threads: int | None
    ocr: OcrMode

    def passes(self) -> Iterator[Page]:
        """Yield the page, each time more complete; see :class:`PageReading`."""
        with self._damage_named():
            page = self.document[self.number - 1]
            layer = read_text_layer(page, self.number)
        text = layer.page
        if self.ocr == "never":
            yield self._text_only(page, layer)
        elif self.ocr == "always" or not is_readable(text) or self._is_bad_ocr(page, text):
            yield from self._by_ocr(page, text)
        elif is_in_a_language(text) or not (shown := self._shows_something_else(page, text)):
            yield from self._by_text(page, layer)
        else:
            yield from shown

    def _text_only(self, page: Any, layer: TextLayer) -> Page:
        with self._damage_named():
            is_empty = not layer.page.lines
            if is_empty and (page.get_image_info() or read_shapes(page)):
                raise DocumentNeedsOcr(
                    f"Page {self.number} of the document {self.name!r} can be read by OCR only; set ocr to auto."
                )
            return replace(layer.page, is_blank=is_empty)

    def _with_look(self, page: Any, text: Page) -> Page:
        """Return the text layer together with what the page looks like, once its text was not enough."""
        with self._damage_named():
            width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
            pixels = page.get_pixmap(
                matrix=pymupdf.Matrix(looks.WIDTH / width, looks.HEIGHT / height), colorspace=pymupdf.csRGB, alpha=False
            )
        if (pixels.width, pixels.height) != (looks.WIDTH, looks.HEIGHT):
            return text
        rows = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.stride)
        return replace(text, look=look_of(rows[:, : 3 * pixels.width].reshape(looks.HEIGHT, looks.WIDTH, 3)))

    def _by_ocr(self, page: Any, text: Page) -> Iterator[Page]:
        """Read the whole page by OCR."""
        picture = self._render(page)
        if picture.is_blank():
            if self.document.is_repaired and not text.lines:
                raise DocumentCorrupt(
                    f"Page {self.number} of the document {self.name!r} is lost: the file is damaged or incomplete; "
                    "fetch it again."
                )
            yield replace(text, is_blank=not text.lines)
            return
        for read in self._passes(picture):
            yield better_reading(text, read)

    def _by_text(self, page: Any, layer: TextLayer) -> Iterator[Page]:
        """Read the text layer, and what lies beside it: first if that is more, else after the text."""
        with self._damage_named():
            doubt = _doubt(page, layer, is_thorough=False)
            is_beside = doubt is Doubt.MOST and not is_earlier_ocr(page)
        if is_beside:
            is_read = False
            for read in self._with_pictures(page, layer):
                is_read = True
                yield read
            if is_read:
                return
        yield layer.page
        if layer.page.lines:
            yield self._with_look(page, layer.page)
        yield from self._more(page, layer, is_compared=is_beside)

    def _more(self, page: Any, layer: TextLayer, *, is_compared: bool) -> Iterator[Page]:
        """Read what the text layer lacks, or gives wrongly, once it was not enough to classify the page."""
        with self._damage_named():
            is_earlier = is_earlier_ocr(page)
            doubt = Doubt.NONE if is_earlier or is_compared else _doubt(page, layer, is_thorough=True)
        if is_earlier:
            if not can_be_read_by_ocr(layer.page):
                return
            picture = self._render(page)
            if not picture.is_blank():
                *_, read = self._passes(picture)
                if amount_of_text(read) >= LEAST_OF_EARLIER * amount_of_text(layer.page):
                    yield read
        elif doubt is not Doubt.NONE:
            yield from self._with_pictures(page, layer)

    def _with_pictures(self, page: Any, layer: TextLayer) -> Iterator[Page]:
        """Read the text layer together with what OCR finds beside it; no pass if it finds nothing."""
        from airflow_provider_classify.engine.ocr.ink import has_ink_beside

        picture = replace(self._render(page), closer=None)
        if has_ink_beside(picture, layer.covering):
            yield from self._passes(picture, layer)

    def _shows_something_else(self, page: Any, text: Page) -> Iterator[Page] | None:
        """Read a page whose words are of no known language by OCR; ``None`` if the page shows the same words."""
        picture = self._render(page)
        passes = self._passes(picture)
        first = next(passes)
        return None if says_the_same(text, first) else chain([first], passes)

    def _is_bad_ocr(self, page: Any, text: Page) -> bool:
        with self._damage_named():
            return not is_legible(text) and can_be_read_by_ocr(text) and _is_scan(page)

    def _passes(self, picture: Picture, layer: TextLayer | None = None) -> Iterator[Page]:
        from airflow_provider_classify.engine.ocr import shared_reader

        reader = shared_reader(self.threads)
        if layer is None:
            return reader.passes(picture, self.number)
        return reader.passes(picture, self.number, layer.page, layer.covering)

    def _render(self, page: Any, region: Region | None = None) -> Picture:
        """Return the picture of a page, or of a region of it, at the scale at which OCR reads it."""
        from airflow_provider_classify.engine.ocr import Picture, reading_scale

        with self._damage_named():
            clip = page.rect
            if region is not None:
                (x0, y0), (width, height) = clip.top_left, (clip.width, clip.height)
                clip = pymupdf.Rect(
                    x0 + region.x0 * width, y0 + region.y0 * height, x0 + region.x1 * width, y0 + region.y1 * height
                )
            zoom = reading_scale(clip.width, clip.height)
            pixels = page.get_pixmap(
                matrix=pymupdf.Matrix(zoom, zoom), clip=clip, colorspace=pymupdf.csRGB, alpha=False
            )
        picture = Picture.from_rgb(pixels.samples, width=pixels.width, height=pixels.height, stride=pixels.stride)
        return picture if region is not None else replace(picture, closer=lambda region: self._render(page, region))

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except MUPDF_ERRORS as error:
            raise damage(error, f"Page {self.number} of the document {self.name!r}") from error


def is_earlier_ocr(page: Any) -> bool:
    """Return whether the text cannot be seen: another program read it on a scan, and put it above or below that."""
    # At 72 dots an inch, less than any scan has, the page's pictures would not fill it; this test is ten times faster.
    if sum(width * height for _, _, width, height, *_ in page.get_images()) < page.rect.get_area():
        return False
    hidden = visible = 0
    for kind, box in page.get_bboxlog():
        if kind == "fill-image" and pymupdf.Rect(box).get_area() > SCAN * page.rect.get_area():
            hidden, visible = hidden + visible, 0
        elif kind == "ignore-text":
            hidden += 1
        elif kind.endswith("-text"):
            visible += 1
    return hidden > visible


def _doubt(page: Any, layer: TextLayer, *, is_thorough: bool) -> Doubt:
    """
    Return how much of what the page shows its text layer may lack.

    :param is_thorough: compare all images; else only those that may show more than the text says.
    """
    amount = amount_of_text(layer.page)
    if amount >= LONG_TEXT:
        return Doubt.NONE
    are_wanted = is_thorough or amount < SHORT_TEXT
    if not are_wanted:
        least = LARGE_IMAGE * page.rect.get_area()
        are_wanted = any(width * height >= least for _, _, width, height, *_ in page.get_images())
    images = _image_boxes(page) if are_wanted else []
    lines = ((line.x0, line.y0, line.x1, line.y1) for line in layer.covering)
    return doubt_of(lines, images, read_shapes(page))


def _image_boxes(page: Any) -> list[Box]:
    """Return where the page's images lie, in fractions of it."""
    width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
    # Like text, images come in the coordinates of the page before its rotation.
    boxes = (pymupdf.Rect(info["bbox"]) * page.rotation_matrix & page.rect for info in page.get_image_info())
    return [(box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height) for box in boxes if not box.is_empty]


def _is_scan(page: Any) -> bool:
    return any((box[2] - box[0]) * (box[3] - box[1]) > SCAN for box in _image_boxes(page))
