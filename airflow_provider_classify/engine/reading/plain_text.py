"""Read plain text, and lay out its lines on pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import islice

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.encodings import decode_text
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentEmpty

#: The most bytes of a text that are read. The classified pages have far fewer.
MAX_TEXT_BYTES = 1024**2
#: The most characters of a line. The rest is dropped, because the time to wrap a line grows with the square of its
#: length.
MAX_LINE = 100_000
#: The page on which text is laid out: characters per line and lines per page; the page's and the font's size in points.
COLUMNS, ROWS = 100, 60
PAGE_WIDTH, PAGE_HEIGHT, FONT_SIZE = 612.0, 792.0, 11.0
#: The control character at which the next page begins.
FORM_FEED = "\f"


def open_text(source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Open a text file. Its encoding is detected.

    :raises DocumentEmpty: it has only white space.
    """
    text = decode_text(source.read(MAX_TEXT_BYTES))
    return text_document(text, Format.TEXT, name=source.name, max_pages=options.max_pages)


def text_document(text: str, kind: Format, *, name: str, max_pages: int) -> OpenedDocument:
    """
    Return a text as a document.

    :raises DocumentEmpty: it has only white space.
    """
    pages = [
        Page(number, PAGE_WIDTH, PAGE_HEIGHT, lines, "text_layer")
        for number, lines in enumerate(islice(_laid_out(text), max_pages), 1)
    ]
    if not pages:
        raise DocumentEmpty(f"The document {name!r} has no text; check how it was made.")
    return OpenedDocument(kind=kind, page_count=len(pages), pages=map(ReadPage, pages))


def _laid_out(text: str) -> Iterator[tuple[Line, ...]]:
    """Yield the lines of each page that is not empty. A page is laid out when the caller asks for it."""
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
