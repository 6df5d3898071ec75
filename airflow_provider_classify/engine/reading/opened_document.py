"""An opened document: its pages, its attachments, and the type that its format declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from airflow_provider_classify.engine.learned.origin import NO_METADATA, Origin, PdfMetadata
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentError

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture


class PageReading(Protocol):
    """One page that can be read."""

    @property
    def number(self) -> int:
        """The page's number, from 1."""

    def passes(self) -> Iterator[Page]:
        """
        Yield the page several times, each time more complete. Stop iterating when a pass is enough.

        If the text layer is complete, the first pass has its text, and a second pass may add ``look``, what the page
        looks like. If the page needs OCR, the first pass has the most useful lines, and each later pass has more lines.
        OCR recognises the lines of a pass when the caller asks for that pass.

        :raises DocumentError: this page cannot be read; the others may still be.
        """


@runtime_checkable
class TextPage(Protocol):
    """A page with a text layer, which can be read without OCR."""

    def text_passes(self) -> Iterator[Page]:
        """
        Yield the passes that need no OCR; none if the text layer has little text, or text that may be wrong.

        :raises DocumentError: this page cannot be read.
        """

    # A method, because Python 3.11 computes the properties of an object to check that it has this protocol.
    def may_lack_most_text(self) -> bool:
        """
        Return whether pictures beside the text may show more text than the text layer has.

        :raises DocumentError: this page cannot be read.
        """


@runtime_checkable
class PicturedPage(Protocol):
    """A page that can be shown as a picture."""

    def picture(self) -> Picture | None:
        """
        Return the picture of the page; ``None`` for a page of plain text.

        :raises DocumentError: the page cannot be drawn.
        """

    def without_ocr(self) -> Page | None:
        """
        Return the page if its text layer has the text that it shows, or if it is blank.

        :returns: ``None`` if the page has to be read by OCR.
        :raises DocumentError: the page cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Attachment:
    """
    A file that is attached to a mail, or embedded in its text.

    :param name: its file name; if it has none, ``part`` and a number.
    :param open: opens it as a document, as
        :func:`~airflow_provider_classify.engine.reading.open_document` does, with the same errors.
    """

    name: str
    open: Callable[[], AbstractContextManager[OpenedDocument]]


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """
    An opened document. Its pages and attachments can be read until it is closed.

    :param kind: its format.
    :param page_count: the number of pages of a PDF, HTML or image file; ``pages`` may have fewer. For an Office
        document, the number of parts between page breaks. For a text or mail, the number of ``pages``.
    :param pages: its first pages. Blank pages are included, but do not count towards ``max_pages``.
    :param is_image: whether it is an image of one page, whose result has no page results.
    :param is_mail: whether it is an e-mail message.
    :param says_little: whether it is a mail with very little text.
    :param attachments: the documents that are attached to a mail, in their order; logos and signatures are left out.
    :param unreadable_text: the error that says why the text of a mail cannot be read, if only its headers can be read.
        The mail can still be classified if a category means e-mail.
    :param declared_type: the name of the document type that the format itself declares, such as
        ``invoice`` for an e-invoice; None if the format declares no type.
    :param declared_by: the part of the document that declares the type, such as the root element of an e-invoice.
    :param read_from: the name of the embedded file that the pages come from, if the document is only a wrapper such as
        a PDF portfolio; else None.
    :param metadata: for a PDF, the metadata that show how it was created.
    """

    kind: Format
    page_count: int
    pages: Iterator[PageReading]
    is_image: bool = False
    is_mail: bool = False
    says_little: bool = False
    attachments: tuple[Attachment, ...] = ()
    unreadable_text: DocumentError | None = None
    declared_type: str | None = None
    declared_by: str | None = None
    read_from: str | None = None
    metadata: PdfMetadata = NO_METADATA

    @property
    def origin(self) -> Origin:
        """The evidence for its type in its format, its metadata and its number of pages."""
        return Origin(self.kind.value, self.metadata, self.page_count)

    @property
    def may_be_packet(self) -> bool:
        """Whether the file may be a packet: scanners and printers write several documents into a PDF or an image."""
        return self.kind in (Format.PDF, Format.IMAGE)


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
