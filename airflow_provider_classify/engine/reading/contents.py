"""Read the pages of a document as text or pictures. See :mod:`~airflow_provider_classify.engine.page_contents`."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.page_contents import DocumentContent, PageContent, PageForm
from airflow_provider_classify.engine.reading import OpenedDocument, PageReading, open_document
from airflow_provider_classify.engine.reading.opened_document import PicturedPage
from airflow_provider_classify.engine.thumbnail import shrunk
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError

#: The quality of the JPEGs, from 0 to 100. Small print stays legible.
_QUALITY = 80


def read_contents(
    path: Path, *, name: str, form: PageForm, longest_side: int, options: EngineOptions
) -> DocumentContent:
    """
    Read the first pages of a document.

    An e-mail with little text and one attachment gives the pages of its attachment.

    :param name: the document's name in errors.
    :param form: what is read of each page.
    :param longest_side: the most pixels of a side of a picture.
    :param options: of these, the limit of pages, and when and how to use OCR. Only the form ``text`` uses OCR.
    :raises DocumentError: the document cannot be opened, or a page cannot be read and no other page shows anything.
    """
    with open_document(
        path,
        name=name,
        max_pages=options.page_limit,
        threads=options.threads,
        ocr=options.ocr if form == "text" else "auto",
        ocr_models=options.ocr_models,
    ) as document:
        if document.says_little and len(document.attachments) == 1:
            with document.attachments[0].open() as attached:
                content = _content(attached, form, longest_side)
            return replace(content, read_from=document.attachments[0].name)
        if document.unreadable_text:
            raise document.unreadable_text
        return _content(document, form, longest_side)


def _content(document: OpenedDocument, form: PageForm, longest_side: int) -> DocumentContent:
    pages: list[PageContent] = []
    first_error: DocumentError | None = None
    for page in document.pages:
        try:
            pages.append(_page_content(page, form, longest_side))
        except DocumentError as error:
            first_error = first_error or error
            pages.append(PageContent(page.number, error=str(error)))
    # A page that failed may have text, so the document does not count as blank.
    if first_error is not None and not any(page.is_filled for page in pages):
        raise first_error
    if not pages:
        raise DocumentEmpty("The document has no pages; check the file.")
    return DocumentContent(pages, document.is_image, document.read_from)


def _page_content(page: PageReading, form: PageForm, longest_side: int) -> PageContent:
    if not isinstance(page, PicturedPage):
        return _text(_last_pass(page))
    read = page.without_ocr()
    if read is not None and (read.is_blank or form == "auto"):
        return _text(read)
    if form == "text":
        return _text(_last_pass(page) if read is None else read)
    picture = page.picture()
    if picture is None or not picture.pixels.size:
        return PageContent(page.number) if read is None else _text(read)
    _, encoded = cv2.imencode(".jpg", shrunk(picture, longest_side), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    text = _text(read).text if read is not None and form == "both" else ""
    return PageContent(page.number, text, base64.b64encode(encoded.tobytes()).decode())


def _last_pass(page: PageReading) -> Page:
    read = None
    for read in page.passes():  # noqa: B007 - the last one has all lines
        pass
    if read is None:
        raise DocumentEmpty(f"Page {page.number} has no content.")
    return read


def _text(page: Page) -> PageContent:
    return PageContent(page.number, "\n".join(line.text for line in page.lines), is_blank=page.is_blank)
