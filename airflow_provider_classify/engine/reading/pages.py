"""Choose the pages of a document that are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.opened_document import PageReading, PicturedPage, TextPage

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture

#: Including blank pages, at most this many times ``max_pages`` pages are read.
READ_LIMIT = 4


def first_pages(pages: Iterable[PageReading], max_pages: int) -> Iterator[PageReading]:
    """
    Yield pages until ``max_pages`` of them were not blank, at most ``READ_LIMIT`` times ``max_pages``.

    A page is known to be blank only after the caller has read it. A page that the caller does not read, or that cannot
    be read, counts as not blank.
    """
    counted = 0
    for page in islice(pages, READ_LIMIT * max_pages):
        if counted == max_pages:
            return
        watched = _CheckedPage(page)
        yield watched
        counted += not watched.is_blank


class _CheckedPage:
    """A page that remembers whether it was blank."""

    def __init__(self, page: PageReading) -> None:
        self._page = page
        self.is_blank = False

    @property
    def number(self) -> int:
        return self._page.number

    def picture(self) -> Picture | None:
        return self._page.picture() if isinstance(self._page, PicturedPage) else None

    def without_ocr(self) -> Page | None:
        if not isinstance(self._page, PicturedPage):
            return next(self.passes(), None)
        page = self._page.without_ocr()
        self.is_blank = page is not None and page.is_blank
        return page

    def passes(self) -> Iterator[Page]:
        for page in self._page.passes():
            self.is_blank = page.is_blank
            yield page

    def text_passes(self) -> Iterator[Page]:
        if isinstance(self._page, TextPage):
            yield from self._page.text_passes()

    def may_lack_most_text(self) -> bool:
        return isinstance(self._page, TextPage) and self._page.may_lack_most_text()
