"""
Read the pages of a document as lines of text, each with its size and place.

:func:`open_document` finds the format by the content, and provides the first pages one by one. The suffix of the name
only decides between formats of text. A page is read while the caller iterates over its ``passes()``, so a page that
the caller skips is never rendered or recognised. Nothing here follows a link, runs a script or downloads anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_classify.engine.options import OcrMode
from airflow_provider_classify.engine.reading.dispatch import open_source
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import (
    Attachment,
    OpenedDocument,
    PageReading,
)
from airflow_provider_classify.model import api_contract

__all__ = ["Attachment", "OpenedDocument", "PageReading", "open_document"]


@contextmanager
def open_document(
    path: Path,
    *,
    name: str,
    max_pages: int = api_contract.MAX_PAGES,
    threads: int | None = None,
    ocr: OcrMode = "auto",
    ocr_models: Path | None = None,
) -> Iterator[OpenedDocument]:
    """
    Open a document for reading; its pages can be read until the block ends.

    :param path: a local file.
    :param name: the document's name in errors.
    :param max_pages: the most pages that are read; blank pages do not count.
    :param threads: the number of cores that OCR may use; all available cores if None.
    :param ocr: ``auto`` reads a page by OCR if its text layer lacks text that the page shows, ``always`` reads each
        page of a PDF by OCR and other documents as ``auto`` does, ``never`` reads text layers only.
    :param ocr_models: the folder of models for other scripts, which ``airflow-classify fetch-ocr-models`` has fetched.
    :raises DocumentError: the document is missing, empty, of no known format, damaged, encrypted, too large, or only a
        placeholder. If a single page cannot be read, the error comes from the ``passes()`` of that page.
    :raises ExtraNotInstalled: the ``local`` extra is missing.
    """
    with open_source(Source(name, path), ReadingOptions(max_pages, threads, ocr, ocr_models)) as document:
        yield document
