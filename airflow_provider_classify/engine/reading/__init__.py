"""
Documents to pages: bytes in, lines of text with size and place out.

:func:`open_document` looks at the content, trusts neither name nor suffix, and yields the
first pages one by one. A page is read when its ``passes()`` are iterated, so what nobody asks
for is never rendered or recognised. Nothing here follows a link, runs a script or fetches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_classify.engine.page import OcrMode
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, PageReading
from airflow_provider_classify.engine.reading.sniffing import Format, detect_format
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentNotFound, DocumentNotReadable
from airflow_provider_classify.model import contract

__all__ = ["OpenedDocument", "PageReading", "open_document"]


@contextmanager
def open_document(
    path: Path,
    *,
    name: str,
    max_pages: int = contract.MAX_PAGES,
    threads: int | None = None,
    ocr: OcrMode = "auto",
) -> Iterator[OpenedDocument]:
    """
    Open a document for reading; its pages can be read until the block ends.

    :param path: a local file.
    :param name: what its user calls it; errors say this name.
    :param max_pages: pages after these are not touched.
    :param threads: cores that OCR may use; all of them if None.
    :param ocr: ``auto`` reads a page by OCR where its text layer lacks what the page shows, ``always`` reads each
        page of a PDF or an Office document by OCR, ``never`` reads text layers only.
    :raises DocumentError: missing, empty, of no known type, damaged, encrypted or too large.
        A page that cannot be read raises from its own ``passes()`` and leaves the others be.
    :raises ExtraNotInstalled: the ``local`` extra is missing.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4096)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DocumentNotFound(f"The document {name!r} is not there; check its path.") from error
    except OSError as error:
        raise DocumentNotReadable(
            f"The document {name!r} cannot be read ({error.strerror}); check that it is a file and its permissions."
        ) from error
    if size == 0:
        raise DocumentEmpty(f"The document {name!r} has no bytes; check how it was written or uploaded.")

    match detect_format(path, head, name=name):
        case Format.PDF | Format.DOCX | Format.PPTX | Format.HTML as kind:
            from airflow_provider_classify.engine.reading.mupdf import open_with_mupdf

            with open_with_mupdf(path, kind, name=name, max_pages=max_pages, threads=threads, ocr=ocr) as document:
                yield document
        case Format.IMAGE:
            from airflow_provider_classify.engine.reading.images import open_image

            with open_image(path, name=name, max_pages=max_pages, threads=threads, ocr=ocr) as document:
                yield document
        case Format.TEXT:
            from airflow_provider_classify.engine.reading.plain_text import open_text

            yield open_text(path, name=name, max_pages=max_pages)
        case Format.EMAIL:
            from airflow_provider_classify.engine.reading.email import open_email

            yield open_email(path, name=name, max_pages=max_pages)
