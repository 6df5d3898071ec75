"""
Read a page of a PDF, Office or HTML document: by its text layer, by OCR, or by both.

Reading a text layer takes milliseconds, and OCR takes half a second for each page. So OCR is used only if the text
layer is not enough: on pages without text, on pages that show other text than their text layer has, and on pages with
text in pictures or outlines beside the text layer. The cheapest checks come first. Then the page is examined in a low
resolution, and OCR comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.engine.knowledge.known_words import is_in_a_language
from airflow_provider_classify.engine.page import Page, Region
from airflow_provider_classify.engine.reading.beside_text import LONG_TEXT, doubt_beside, has_letters_beside
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS, damage
from airflow_provider_classify.engine.reading.ocr_decision import Doubt
from airflow_provider_classify.engine.reading.page_drawing import Drawing, draw, picture_of, with_look
from airflow_provider_classify.engine.reading.page_pictures import PagePictures
from airflow_provider_classify.engine.reading.text_layer import TextLayer, read_shapes, read_text_layer
from airflow_provider_classify.engine.reading.text_quality import (
    amount_of_text,
    better_reading,
    can_be_read_by_ocr,
    has_same_words,
    is_legible,
    is_readable,
    says_the_same,
)
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentNeedsOcr

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture

#: The text of an earlier OCR is replaced only if OCR now reads at least this share of its characters. On a page of
#: small print, OCR reads only some of the lines.
LEAST_OF_EARLIER = 0.5
#: In a document of several pages, a page with this many characters of text is classified by the text first. Pictures
#: beside it are read only if the text is not enough and no other page is sure.
ENOUGH_TEXT = 200


@dataclass(frozen=True)
class MupdfPage:
    """
    One page of an opened PyMuPDF document.

    :param number: the number of the page, from 1.
    :param name: the document's name in errors.
    """

    document: Any
    number: int
    name: str
    options: ReadingOptions

    @cached_property
    def _page(self) -> Any:
        with self._damage_as_document_error():
            return self.document[self.number - 1]

    @cached_property
    def text_layer(self) -> TextLayer:
        """
        The text layer, which is read once.

        :raises DocumentCorrupt: the page is damaged.
        """
        page = self._page
        with self._damage_as_document_error():
            return read_text_layer(page, self.number)

    @cached_property
    def _pictures(self) -> PagePictures:
        return PagePictures(self._page)

    @cached_property
    def _text_with_look(self) -> Page:
        """The text layer with what the page looks like."""
        page, text = self._page, self.text_layer.page
        # A page that was searched for letters is not drawn again.
        drawing = self._drawing if "_drawing" in self.__dict__ else None
        with self._damage_as_document_error():
            return with_look(page, text, drawing)

    @cached_property
    def _drawing(self) -> Drawing:
        """A drawing of the page in a low resolution."""
        page = self._page
        with self._damage_as_document_error():
            return draw(page)

    @property
    def is_scan(self) -> bool:
        """Whether an image covers most of the page; false if the page is damaged."""
        try:
            return self._pictures.is_scan
        except (DocumentCorrupt, *MUPDF_ERRORS):
            return False

    def passes(self) -> Iterator[Page]:
        """Yield the page several times, each time more complete; see :class:`PageReading`."""
        page, layer = self._page, self.text_layer
        text = layer.page
        if self.options.ocr == "never":
            yield self._text_only(page, layer)
        elif self.options.ocr == "always" or not is_readable(text) or self._is_bad_ocr(text):
            yield from self._by_ocr(page, text)
        elif is_in_a_language(text) or not (shown := self._shows_something_else(page, text)):
            yield from self._by_text(page, layer)
        else:
            yield from shown

    def without_ocr(self) -> Page | None:
        """Return the page if its text layer is enough, or if it is blank; see :class:`PicturedPage`."""
        page, text = self._page, self.text_layer.page
        is_text_enough = self.options.ocr != "always" and is_readable(text) and not self._is_bad_ocr(text)
        if is_text_enough and is_in_a_language(text):
            return None if self._may_lack_most_text else text
        return self._blank(text) if not text.lines and self._render(page).is_blank() else None

    def text_passes(self) -> Iterator[Page]:
        """Yield the passes that need no OCR; none if the text layer has little text, or text that may be wrong."""
        layer = self.text_layer
        text = layer.page
        if (
            self.options.ocr != "always"
            and amount_of_text(text) >= ENOUGH_TEXT
            and is_readable(text)
            and is_in_a_language(text)
            and not self._is_bad_ocr(text)
        ):
            yield from self._text_and_look(layer)

    def may_lack_most_text(self) -> bool:
        """Return whether pictures beside the text may show more text than the text layer has."""
        return self._may_lack_most_text

    @cached_property
    def _may_lack_most_text(self) -> bool:
        pictures, layer = self._pictures, self.text_layer
        with self._damage_as_document_error():
            return doubt_beside(pictures, layer, is_thorough=False) is Doubt.MOST and not pictures.is_earlier_ocr

    def picture(self) -> Picture:
        """Draw the page at the scale at which OCR reads it."""
        with self._damage_as_document_error():
            page = self.document[self.number - 1]
        return self._render(page)

    def _text_only(self, page: Any, layer: TextLayer) -> Page:
        with self._damage_as_document_error():
            is_empty = not layer.page.lines
            if is_empty and (page.get_image_info() or read_shapes(page)):
                raise DocumentNeedsOcr(
                    f"Page {self.number} of the document {self.name!r} can be read by OCR only; set ocr to auto."
                )
            return replace(layer.page, is_blank=is_empty)

    def _by_ocr(self, page: Any, text: Page) -> Iterator[Page]:
        """Read the whole page by OCR."""
        picture = self._render(page)
        if picture.is_blank():
            yield self._blank(text)
            return
        for read in self._passes(picture):
            if self.options.ocr != "always" and has_same_words(text, read):
                yield replace(text, look=read.look, pictured=read.pictured)
                return
            yield better_reading(text, read)

    def _blank(self, text: Page) -> Page:
        """Return a page that shows nothing. :raises DocumentCorrupt: its content is lost."""
        if self.document.is_repaired and not text.lines:
            raise DocumentCorrupt(
                f"Page {self.number} of the document {self.name!r} is lost: the file is damaged or incomplete; "
                "fetch it again."
            )
        return replace(text, is_blank=not text.lines)

    def _by_text(self, page: Any, layer: TextLayer) -> Iterator[Page]:
        """
        Read the text layer, and then the pictures beside it.

        If the pictures cover more of the page than the text, the first pass already has both.
        """
        is_beside = self._may_lack_most_text
        if is_beside:
            is_read = False
            for read in self._with_pictures(page, layer):
                is_read = True
                yield read
            if is_read:
                return
        yield from self._text_and_look(layer)
        yield from self._more(page, layer, is_compared=is_beside)

    def _text_and_look(self, layer: TextLayer) -> Iterator[Page]:
        yield layer.page
        if 0 < amount_of_text(layer.page) < LONG_TEXT:
            # The text was not enough, so the page is drawn to measure what it looks like. Drawing takes longer than
            # extracting the text, so a page with much text is not drawn.
            yield self._text_with_look

    def _more(self, page: Any, layer: TextLayer, *, is_compared: bool) -> Iterator[Page]:
        """
        Read more after the text layer was not enough to classify the page.

        If an earlier OCR wrote the text layer, read its scan again. Otherwise read the pictures beside the text.
        """
        with self._damage_as_document_error():
            is_earlier = self._pictures.is_earlier_ocr
            doubt = Doubt.NONE if is_earlier or is_compared else doubt_beside(self._pictures, layer, is_thorough=True)
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
        """Yield the text layer together with the text that OCR finds beside it; nothing if there is no such text."""
        drawing = self._drawing
        with self._damage_as_document_error():
            are_there = has_letters_beside(drawing, self._pictures, layer)
        if are_there:
            yield from self._passes(replace(self._render(page), closer=None), layer)

    def _shows_something_else(self, page: Any, text: Page) -> Iterator[Page] | None:
        """Read a page with words of an unknown language by OCR; return ``None`` if the page shows the same words."""
        picture = self._render(page)
        passes = self._passes(picture)
        first = next(passes)
        return None if says_the_same(text, first) else chain([first], passes)

    def _is_bad_ocr(self, text: Page) -> bool:
        with self._damage_as_document_error():
            return not is_legible(text) and can_be_read_by_ocr(text) and self._pictures.is_scan

    def _passes(self, picture: Picture, layer: TextLayer | None = None) -> Iterator[Page]:
        from airflow_provider_classify.engine.ocr import shared_reader

        reader = shared_reader(self.options.threads, self.options.ocr_models)
        if layer is None:
            return reader.passes(picture, self.number)
        return reader.passes(picture, self.number, layer.page, layer.covering)

    def _render(self, page: Any, region: Region | None = None) -> Picture:
        """Return the picture of a page, or of a region of it, at the scale at which OCR reads it."""
        with self._damage_as_document_error():
            picture = picture_of(page, region)
        return picture if region is not None else replace(picture, closer=lambda region: self._render(page, region))

    @contextmanager
    def _damage_as_document_error(self) -> Iterator[None]:
        try:
            yield
        except MUPDF_ERRORS as error:
            raise damage(error, f"Page {self.number} of the document {self.name!r}") from error
