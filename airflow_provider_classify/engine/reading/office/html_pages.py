"""Write the blocks of an Office document as HTML, which MuPDF lays out on pages."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.mupdf import SHEET, SLIDE, mupdf_html, pages_of
from airflow_provider_classify.engine.reading.office.blocks import Block, PageBreak, Paragraph, Picture, Row
from airflow_provider_classify.engine.reading.office.docx import docx_blocks
from airflow_provider_classify.engine.reading.office.opendocument import open_document_blocks
from airflow_provider_classify.engine.reading.office.package import Package, open_package
from airflow_provider_classify.engine.reading.office.pptx import pptx_blocks
from airflow_provider_classify.engine.reading.office.xlsx import xlsx_blocks
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, PageReading, PicturedPage
from airflow_provider_classify.engine.reading.pages import READ_LIMIT, first_pages
from airflow_provider_classify.engine.reading.sniffing import Format

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture as PagePicture

#: The most characters of text, blocks and pictures that are laid out. The classified pages have far fewer.
MAX_CHARACTERS, MAX_BLOCKS, MAX_PICTURES = 200_000, 5_000, 40
#: The most cells of a row that are laid out.
MAX_CELLS = 100
#: The most bytes of all pictures of a document that are laid out.
MAX_PICTURE_BYTES = 48 * 1024**2
#: The first bytes of the picture formats that MuPDF can show. Other pictures, such as Windows metafiles, are left out.
_PICTURE_TYPES = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_STYLE = "<style>p, td { margin: 0; } p { margin-bottom: 3pt; } td { padding: 0 6pt 2pt 0; }</style>"


@contextmanager
def open_office(source: Source, kind: Format, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """
    Open an Office document.

    :raises DocumentCorrupt: its archive or one of its parts is damaged.
    :raises DocumentEncrypted: it asks for a password.
    """
    with open_package(source) as package:
        sheets = _sheets(_within_bounds(_blocks(package, kind, source.name)))
    with ExitStack() as stack:
        pages = _pages(sheets, kind, source.name, options, stack)
        yield OpenedDocument(kind=kind, page_count=len(sheets), pages=first_pages(pages, options.max_pages))


def _blocks(package: Package, kind: Format, name: str) -> Iterator[Block]:
    match kind:
        case Format.DOCX:
            return docx_blocks(package)
        case Format.PPTX:
            return pptx_blocks(package)
        case Format.XLSX:
            return xlsx_blocks(package)
    return open_document_blocks(package, name)


def _within_bounds(blocks: Iterable[Block]) -> Iterator[Block]:
    """
    Yield blocks until a limit of blocks or text is reached; leave out pictures beyond the limits of pictures.

    Only pictures that are laid out count. A picture in a format that MuPDF cannot show is replaced by an empty one.
    """
    characters = pictures = picture_bytes = 0
    for block in islice(blocks, MAX_BLOCKS):
        if isinstance(block, Picture):
            if not _picture_type(block.data):
                block = Picture(b"")
            elif pictures == MAX_PICTURES or picture_bytes + len(block.data) > MAX_PICTURE_BYTES:
                continue
            else:
                pictures += 1
                picture_bytes += len(block.data)
        elif isinstance(block, Paragraph):
            characters += len(block.text)
        elif isinstance(block, Row):
            block = Row(block.cells[:MAX_CELLS])
            characters += sum(map(len, block.cells))
        yield block
        if characters > MAX_CHARACTERS:
            return


def _sheets(blocks: Iterable[Block]) -> list[list[Block]]:
    """Return the sheets, which page breaks separate, as lists of blocks. There is at least one, which may be empty."""
    sheets: list[list[Block]] = [[]]
    for block in blocks:
        if not isinstance(block, PageBreak):
            sheets[-1].append(block)
        elif sheets[-1]:
            sheets.append([])
    if len(sheets) > 1 and not sheets[-1]:
        sheets.pop()
    return sheets


def _pages(
    sheets: Iterable[list[Block]], kind: Format, name: str, options: ReadingOptions, stack: ExitStack
) -> Iterator[PageReading]:
    """Yield the pages of all sheets with numbers from 1. A sheet is laid out when its first page is needed."""
    number = 0
    for sheet in sheets:
        layout = SLIDE if kind is Format.PPTX else SHEET
        opened = stack.enter_context(mupdf_html(html_of(sheet), name, layout))
        document = pages_of(
            opened,
            name,
            kind,
            replace(options, max_pages=options.max_pages * READ_LIMIT),
        )
        for page in document.pages:
            number += 1
            yield _NumberedPage(page, number)


@dataclass(frozen=True, slots=True)
class _NumberedPage:
    """A page of a sheet, with its number in the whole document."""

    page: PageReading
    number: int

    def picture(self) -> PagePicture | None:
        return self.page.picture() if isinstance(self.page, PicturedPage) else None

    def without_ocr(self) -> Page | None:
        page = self.page.without_ocr() if isinstance(self.page, PicturedPage) else next(self.page.passes(), None)
        return page and replace(page, number=self.number)

    def passes(self) -> Iterator[Page]:
        for page in self.page.passes():
            yield replace(page, number=self.number)


def html_of(blocks: Iterable[Block]) -> str:
    """Return blocks as HTML."""
    pieces = ["<html><head>", _STYLE, "</head><body>"]
    in_table = False
    for block in blocks:
        if isinstance(block, Row) != in_table:
            in_table = not in_table
            pieces.append("<table>" if in_table else "</table>")
        if isinstance(block, Row):
            pieces.append("<tr>" + "".join(f"<td>{_lines(cell)}</td>" for cell in block.cells) + "</tr>")
        elif isinstance(block, Paragraph):
            pieces.append(f'<p style="font-size: {block.size:g}pt">{_lines(block.text)}</p>')
        elif isinstance(block, Picture) and (kind := _picture_type(block.data)):
            pieces.append(f'<p><img src="data:image/{kind};base64,{base64.b64encode(block.data).decode()}"/></p>')
    pieces.append("</table></body></html>" if in_table else "</body></html>")
    return "".join(pieces)


def _lines(text: str) -> str:
    return "<br/>".join(escape(line, quote=False) for line in text.splitlines())


def _picture_type(data: bytes) -> str | None:
    return next((kind for start, kind in _PICTURE_TYPES if data.startswith(start)), None)
