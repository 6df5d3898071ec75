"""Plain text: lines of characters set on pages of a typewriter."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format, decode_text
from airflow_provider_classify.exceptions import DocumentEmpty

#: Text beyond this is not read: it is far more than the pages that are.
MAX_TEXT_BYTES = 1024**2
#: A longer line is cut off; wrapping costs the square of its length.
MAX_LINE = 100_000
#: The typewriter's page: characters and lines on US letter, in points.
COLUMNS, ROWS = 100, 60
PAGE_WIDTH, PAGE_HEIGHT, FONT_SIZE = 612.0, 792.0, 11.0
#: A control character of text files: the next page begins.
FORM_FEED = "\f"


def open_text(path: Path, *, name: str, max_pages: int) -> OpenedDocument:
    """
    Open a text file in any of the encodings that occur.

    :raises DocumentEmpty: nothing but white space.
    """
    with path.open("rb") as file:
        return text_document(decode_text(file.read(MAX_TEXT_BYTES)), Format.TEXT, name=name, max_pages=max_pages)


def text_document(text: str, kind: Format, *, name: str, max_pages: int) -> OpenedDocument:
    """Make a document of text that has been read already."""
    pages = [
        Page(number, PAGE_WIDTH, PAGE_HEIGHT, lines, "text_layer")
        for number, lines in enumerate(islice(_set_on_pages(text), max_pages), 1)
    ]
    if not pages:
        raise DocumentEmpty(f"The document {name!r} has no text; check how it was made.")
    return OpenedDocument(kind=kind, page_count=len(pages), pages=map(ReadPage, pages))


def _set_on_pages(text: str) -> Iterator[tuple[Line, ...]]:
    """The lines of each page that has any; what is not asked for is not set."""
    for sheet in text.split(FORM_FEED):
        rows = (row for line in sheet.strip("\r\n").splitlines() for row in _wrap(line))
        while page := list(islice(rows, ROWS)):
            lines = tuple(_line(row, place) for place, row in enumerate(page) if row.strip())
            if lines:
                yield lines


def _wrap(line: str) -> list[str]:
    line = line[:MAX_LINE].expandtabs().rstrip()
    return [line] if len(line) <= COLUMNS else textwrap.wrap(line, COLUMNS)


def _line(row: str, place: int) -> Line:
    text = row.strip()
    indent = len(row) - len(row.lstrip())
    return Line(
        text=text,
        size=FONT_SIZE,
        x0=indent / COLUMNS,
        y0=place / ROWS,
        x1=min(1.0, (indent + len(text)) / COLUMNS),
        y1=(place + 1) / ROWS,
    )
