"""Read the pages of labelled documents, and cache them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentError
from training.documents import OUTSIDE, Labelled, in_processes, labelled_documents
from training.page_cache import cached

#: The folder of the cache.
CACHE = Path(".bench/packet_pages")
#: The parts of the engine that read pages. A change in one of them makes the cache invalid.
_READING = ("reading", "ocr", "text", "page.py")
#: The suffixes of the documents that are joined into packets.
_SUFFIXES = (".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document with its first pages. Each page has several passes; the last pass is the most complete one."""

    labelled: Labelled
    pages: Sequence[Sequence[Page]]


def joinable_documents(folder: Path) -> Iterator[Labelled]:
    """Yield the PDFs and images of a folder with ``labels.csv`` that fit a category."""
    for document in labelled_documents(folder):
        if document.path.suffix.lower() in _SUFFIXES and document.category not in OUTSIDE:
            yield document


def read_documents(documents: Sequence[Labelled]) -> list[ReadDocument]:
    """Read documents in several processes, or from the cache. Leave out documents that cannot be read."""
    pages_of_each = in_processes(_pages, documents)
    return [ReadDocument(document, pages) for document, pages in zip(documents, pages_of_each, strict=True) if pages]


def _pages(path: Path) -> list[list[Page]]:
    return cached(CACHE, _READING, path, _read_pages)


def _read_pages(path: Path) -> list[list[Page]]:
    try:
        with open_document(path, name=str(path), threads=1) as document:
            return [list(reading.passes()) for reading in document.pages]
    except DocumentError as error:
        print(f"  {error}", file=sys.stderr)
        return []
