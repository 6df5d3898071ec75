"""Read all lines of a document, as the classifier does if it never becomes sure."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.opened_document import PageReading


def read(data: bytes, folder: Path, name: str = "document.pdf", **options: Any) -> list[Page]:
    """Write ``data`` to a file without a suffix and read its pages, each to its last pass."""
    path = folder / "data"
    path.write_bytes(data)
    with open_document(path, name=name, threads=1, **options) as document:
        return [list(page.passes())[-1] for page in document.pages]


def text(page: Page) -> str:
    """Return a page's lines, joined by line breaks."""
    return "\n".join(line.text for line in page.lines)


def passes_with_more_text(reading: PageReading) -> list[Page]:
    """Return the passes of a page whose lines differ from those of the pass before. Other passes add only its look."""
    passes = list(reading.passes())
    return passes[:1] + [page for before, page in pairwise(passes) if page.lines != before.lines]
