"""Open PDF and HTML documents with PyMuPDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.page import OcrMode
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.pages import first_pages
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.engine.reading.source import Source
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEmpty, DocumentEncrypted, ExtraNotInstalled

try:
    import pymupdf
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading documents needs PyMuPDF; install airflow-provider-classify[local] where the tasks run."
    ) from error

from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS, damage
from airflow_provider_classify.engine.reading.mupdf_page import MupdfPage

# Damage is reported by exceptions; printed as well, it would fill the task's log.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

#: HTML beyond this is cut off before layout, which costs half a second per megabyte.
MAX_HTML_BYTES = 2 * 1024**2
#: Layout of what has no pages of its own, in points: a slide for PPTX, else A4.
SLIDE, SHEET = {"width": 720, "height": 540}, {"width": 595, "height": 842}


@contextmanager
def open_with_mupdf(
    source: Source, kind: Format, *, max_pages: int, threads: int | None, ocr: OcrMode
) -> Iterator[OpenedDocument]:
    """Open a document of ``kind``; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    with mupdf_file(source, kind) as opened:
        yield pages_of(opened, source.name, kind, max_pages=max_pages, threads=threads, ocr=ocr)


@contextmanager
def mupdf_file(source: Source, kind: Format, layout: Mapping[str, int] = SHEET) -> Iterator[Any]:
    """
    Open a file as a PyMuPDF document.

    :param layout: width and height of the pages of a document that has none of its own, in points.

    :raises DocumentCorrupt: MuPDF cannot open it.
    :raises DocumentEncrypted: it asks for a password.
    """
    try:
        # HTML as a stream, because from a path MuPDF would also open the files that it links to.
        is_file = isinstance(source.content, Path) and kind is not Format.HTML
        content: dict[str, Any] = {"filename": str(source.content)} if is_file else {"stream": _stream(source, kind)}
        opened = pymupdf.open(**content, filetype=kind.value, **layout)
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {source.name!r}") from error
    with opened:
        if opened.needs_pass:
            raise DocumentEncrypted(f"The document {source.name!r} asks for a password; save it without one.")
        yield opened


def pages_of(
    opened: Any, name: str, kind: Format, *, max_pages: int, threads: int | None, ocr: OcrMode
) -> OpenedDocument:
    """
    Return the pages of a PyMuPDF document.

    :raises DocumentEmpty: it has none.
    :raises DocumentCorrupt: it has lost them.
    """
    try:
        page_count = opened.page_count
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {name!r}") from error
    if page_count == 0:
        if opened.is_repaired:
            raise DocumentCorrupt(f"The document {name!r} has lost its pages; fetch it again.")
        raise DocumentEmpty(f"The document {name!r} has no pages; check how it was made.")
    mode = "auto" if ocr == "always" and kind is not Format.PDF else ocr
    pages = (MupdfPage(opened, n + 1, name, threads, mode) for n in range(page_count))
    return OpenedDocument(kind=kind, page_count=page_count, pages=first_pages(pages, max_pages))


def _stream(source: Source, kind: Format) -> bytes:
    # HTML that was made of an Office document is bounded by the blocks that it is made of.
    if kind is not Format.HTML or isinstance(source.content, bytes):
        return source.content if isinstance(source.content, bytes) else source.content.read_bytes()
    return source.read(MAX_HTML_BYTES)
