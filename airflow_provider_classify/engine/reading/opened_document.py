"""What reading yields: a document, and its pages as readings that get more complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.sniffing import Format


class PageReading(Protocol):
    """One page that can be read, ``number`` from 1."""

    @property
    def number(self) -> int:
        """The page's number, from 1."""

    def passes(self) -> Iterator[Page]:
        """
        Yield the page, each time more complete; stop iterating when one is enough.

        A page with text yields once. A page read by OCR yields after its most useful lines, and
        again after the next, whose recognition only then begins.

        :raises DocumentError: this page cannot be read; the others may still be.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """
    An opened document.

    ``page_count`` counts the pages that ``pages`` yields: never more than were asked for.
    ``is_image`` is true for an image of one page, whose result the contract gives no page results.
    """

    kind: Format
    page_count: int
    pages: Iterator[PageReading]
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that was read when its document was opened."""

    page: Page

    @property
    def number(self) -> int:
        """The page's number, from 1."""
        return self.page.number

    def passes(self) -> Iterator[Page]:
        """Yield the page once."""
        yield self.page
