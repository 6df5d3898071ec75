"""
Documents of twenty categories and of none, written for the tests, in some forty languages.

``tests/engine/documents`` has a file for each category. A line ``--- en scan`` begins a document: its language
and, if it is no text page, its shape; the lines of its page follow, a large one after ``= ``.
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
#: The file of documents that are none of the categories.
NONE = "none"
_LARGE = "= "
#: Width, height and where the text comes from.
_SHAPES: dict[str, tuple[float, float, TextSource]] = {
    "page": (595.0, 842.0, "text_layer"),
    "scan": (595.0, 842.0, "ocr"),
    "slide": (720.0, 405.0, "text_layer"),
    "card": (856.0, 540.0, "ocr"),
    "slip": (400.0, 1100.0, "ocr"),
}


@dataclass(frozen=True)
class Written:
    """One document: ``large`` are those of its lines that are large."""

    category: str
    language: str
    shape: str
    lines: tuple[str, ...]
    large: frozenset[str]


def written_documents() -> Iterator[Written]:
    """All of them, category by category."""
    for path in sorted(FOLDER.glob("*.txt")):
        for block in re.split("^--- ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, *lines = block.splitlines()
            language, _, shape = heading.partition(" ")
            large = frozenset(line.removeprefix(_LARGE) for line in lines if line.startswith(_LARGE))
            yield Written(
                path.stem, language, shape or "page", tuple(line.removeprefix(_LARGE) for line in lines), large
            )


def as_document(written: Written) -> OpenedDocument:
    """The document as if it had been read without a fault."""
    width, height, source = _SHAPES[written.shape]
    sizes = dict.fromkeys(written.large, 20.0)
    page = page_of(*written.lines, width=width, height=height, source=source, sizes=sizes)
    return OpenedDocument(Format.IMAGE, 1, iter([ReadPage(page)]), is_image=True)
