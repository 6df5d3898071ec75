"""Open PDF and HTML documents with PyMuPDF."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from airflow_provider_classify.engine.learned.origin import PdfMetadata
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.encodings import decode_html
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.pages import first_pages
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEmpty, DocumentEncrypted, ExtraNotInstalled

try:
    import pymupdf
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading documents needs PyMuPDF; install airflow-provider-classify[local] where the tasks run."
    ) from error

from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS, damage
from airflow_provider_classify.engine.reading.mupdf_page import MupdfPage

# Exceptions report damage. MuPDF would also print messages about it, which would fill the task's log.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

#: The most bytes of HTML that are read. Layout takes about half a second for each megabyte.
MAX_HTML_BYTES = 2 * 1024**2
_DECLARED_CHARSET = re.compile(r"(<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*)[\w.:-]+", re.I)
_CHARSET_WITHIN = 4096
#: The page sizes for formats without pages, in points: a slide for PPTX, and A4 for others.
SLIDE, SHEET = {"width": 720, "height": 540}, {"width": 595, "height": 842}


@contextmanager
def open_with_mupdf(source: Source, kind: Format, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """Open a document of ``kind``; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    with mupdf_file(source, kind) as opened:
        yield pages_of(opened, source.name, kind, options)


@contextmanager
def mupdf_file(source: Source, kind: Format) -> Iterator[Any]:
    """
    Open a PDF or an HTML page as a PyMuPDF document.

    :raises DocumentCorrupt: MuPDF cannot open it.
    :raises DocumentEncrypted: it asks for a password.
    """
    if kind is Format.HTML:
        # As a stream, because from a path MuPDF would also open the files that the page links to.
        with mupdf_html(decode_html(source.read(MAX_HTML_BYTES)), source.name) as opened:
            yield opened
        return
    content = {"stream": source.content} if isinstance(source.content, bytes) else {"filename": str(source.content)}
    with _opened(source.name, filetype=kind.value, **content) as opened:
        if opened.needs_pass:
            raise DocumentEncrypted(f"The document {source.name!r} asks for a password; save it without one.")
        yield opened


@contextmanager
def mupdf_html(html: str, name: str, layout: Mapping[str, int] = SHEET) -> Iterator[Any]:
    """
    Open HTML as a PyMuPDF document.

    :param layout: width and height of its pages, in points.
    :raises DocumentCorrupt: MuPDF cannot open it.
    """
    # MuPDF knows few encodings, so the page is encoded in UTF-8. MuPDF would prefer a declared charset to the byte
    # order mark, so the declaration is also changed.
    html = _DECLARED_CHARSET.sub(r"\1utf-8", html[:_CHARSET_WITHIN]) + html[_CHARSET_WITHIN:]
    stream = codecs.BOM_UTF8 + html.encode("utf-8", errors="replace")
    with _opened(name, filetype="html", stream=stream, **layout) as opened:
        yield opened


def _opened(name: str, **arguments: Any) -> Any:
    try:
        return pymupdf.open(**arguments)
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {name!r}") from error


def pages_of(
    opened: Any,
    name: str,
    kind: Format,
    options: ReadingOptions,
    *,
    check_only_page: Callable[[MupdfPage], None] | None = None,
) -> OpenedDocument:
    """
    Return a PyMuPDF document as an :class:`OpenedDocument`.

    :param check_only_page: a function that is called at once with the page of a document of one page. It may raise
        errors. The page keeps the text layer that the function reads, so no text is extracted twice.
    :raises DocumentEmpty: the document has no pages.
    :raises DocumentCorrupt: its pages are missing.
    """
    try:
        page_count = opened.page_count
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {name!r}") from error
    if page_count == 0:
        if opened.is_repaired:
            raise DocumentCorrupt(f"The document {name!r} is damaged: none of its pages can be read; fetch it again.")
        raise DocumentEmpty(f"The document {name!r} has no pages; check how it was made.")
    if options.ocr == "always" and kind is not Format.PDF:
        options = replace(options, ocr="auto")
    pages: Iterable[MupdfPage]
    if page_count == 1:
        pages = [MupdfPage(opened, 1, name, options)]
        if check_only_page:
            check_only_page(pages[0])
    else:
        pages = (MupdfPage(opened, n + 1, name, options) for n in range(page_count))
    return OpenedDocument(
        kind=kind,
        page_count=page_count,
        pages=first_pages(pages, options.max_pages),
        metadata=_metadata(opened) if kind is Format.PDF else PdfMetadata(),
    )


def _metadata(opened: Any) -> PdfMetadata:
    """Return the metadata of a PDF that show how it was created; empty metadata if they are damaged."""
    try:
        metadata = opened.metadata or {}
        has_outline = opened.xref_get_key(opened.pdf_catalog(), "Outlines/First")[0] == "xref"
        program = f"{metadata.get('creator') or ''} {metadata.get('producer') or ''}"
        return PdfMetadata(program.strip(), has_fields=bool(opened.is_form_pdf), has_outline=has_outline)
    except MUPDF_ERRORS:
        return PdfMetadata()
