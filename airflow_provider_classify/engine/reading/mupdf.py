"""Open PDF, DOCX, PPTX and HTML documents with PyMuPDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.page import OcrMode
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, PageReading
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

# Damage is reported by exceptions; printed as well, it would fill the task's log.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

#: HTML beyond this is cut off before layout, which costs half a second per megabyte.
MAX_HTML_BYTES = 2 * 1024**2
#: Layout of what has no pages of its own, in points: a slide for PPTX, else A4.
_SLIDE, _SHEET = {"width": 720, "height": 540}, {"width": 595, "height": 842}


@contextmanager
def open_with_mupdf(
    path: Path, kind: Format, *, name: str, max_pages: int, threads: int | None, ocr: OcrMode
) -> Iterator[OpenedDocument]:
    """Open a document of ``kind``; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    try:
        # HTML as a stream, because from a path MuPDF would also open the files that it links to.
        source: dict[str, Any] = {"stream": _head(path)} if kind is Format.HTML else {"filename": str(path)}
        opened = pymupdf.open(**source, filetype=kind.value, **(_SLIDE if kind is Format.PPTX else _SHEET))
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {name!r}") from error
    with opened:
        if opened.needs_pass:
            raise DocumentEncrypted(f"The document {name!r} asks for a password; save it without one.")
        try:
            page_count = min(opened.page_count, max_pages)
        except MUPDF_ERRORS as error:
            raise damage(error, f"The document {name!r}") from error
        if page_count == 0:
            if opened.is_repaired:
                raise DocumentCorrupt(f"The document {name!r} has lost its pages; fetch it again.")
            raise DocumentEmpty(f"The document {name!r} has no pages; check how it was made.")
        mode = "auto" if ocr == "always" and kind is not Format.PDF else ocr
        pages: Iterator[PageReading] = (MupdfPage(opened, n + 1, name, threads, mode) for n in range(page_count))
        yield OpenedDocument(kind=kind, page_count=page_count, pages=pages)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_HTML_BYTES)
