"""Read all lines of a document, as the classifier does if it never becomes sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document


def read(data: bytes, folder: Path, name: str = "document.pdf", **options: Any) -> list[Page]:
    """Write ``data`` to a file without a suffix and read its pages, each to its last pass."""
    path = folder / "data"
    path.write_bytes(data)
    with open_document(path, name=name, threads=1, **options) as document:
        return [list(page.passes())[-1] for page in document.pages]


def text(page: Page) -> str:
    """Return a page's lines, joined by line breaks."""
    return "\n".join(line.text for line in page.lines)
