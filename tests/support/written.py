"""
Read the documents that were written for the tests, of twenty categories and of none, in about forty languages.

``tests/engine/written_documents`` has a file for each category. A line ``--- en scan`` begins a document, with its
language and, unless it is a page of text, its shape. The lines of its page follow; ``= `` marks a large line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_classify.engine.page import TextSource
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.opened_document import ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from tests.support.pages import page_of

FOLDER = Path(__file__).parents[1] / "engine" / "written_documents"
#: The category of documents that fit none of the categories.
NONE = "none"
_LARGE = "= "
#: The width, the height and the source of the text of each shape.
_SHAPES: dict[str, tuple[float, float, TextSource]] = {
    "page": (595.0, 842.0, "text_layer"),
    "scan": (595.0, 842.0, "ocr"),
    "slide": (720.0, 405.0, "text_layer"),
    "card": (856.0, 540.0, "ocr"),
    "slip": (400.0, 1100.0, "ocr"),
}


@dataclass(frozen=True)
class Written:
    """One document; ``large`` are its large lines."""

    category: str
    language: str
    shape: str
    lines: tuple[str, ...]
    large: frozenset[str]


def written_documents() -> Iterator[Written]:
    """Yield all documents, category by category."""
    for path in sorted(FOLDER.glob("*.txt")):
        for block in re.split("^--- ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, *lines = block.splitlines()
            language, _, shape = heading.partition(" ")
            large = frozenset(line.removeprefix(_LARGE) for line in lines if line.startswith(_LARGE))
            yield Written(
                path.stem, language, shape or "page", tuple(line.removeprefix(_LARGE) for line in lines), large
            )


def as_document(written: Written) -> OpenedDocument:
    """Return the document as if it had been read without mistakes."""
    width, height, source = _SHAPES[written.shape]
    sizes = dict.fromkeys(written.large, 20.0)
    page = page_of(*written.lines, width=width, height=height, source=source, sizes=sizes)
    return OpenedDocument(Format.IMAGE, 1, iter([ReadPage(page)]), is_image=True)
