"""
Read OpenDocument files (ODT, ODS, ODP): text, tables and pictures, and the headers and footers of pages.

The parts are read directly, because odfpy has had no release since 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from airflow_provider_classify.engine.reading.office.blocks import (
    NORMAL_SIZE,
    Block,
    PageBreak,
    Paragraph,
    Picture,
    Row,
    heading_size,
)
from airflow_provider_classify.engine.reading.office.package import Package
from airflow_provider_classify.engine.reading.safe_xml import Element, attribute, local_name
from airflow_provider_classify.exceptions import DocumentEncrypted

CONTENT, STYLES, MANIFEST = "content.xml", "styles.xml", "META-INF/manifest.xml"
_UNSEEN = frozenset(
    {"tracked-changes", "annotation", "note", "forms", "notes", "sequence-decls", "scripts", "desc", "title"}
)
#: The most cells of a row, and elements of a paragraph, that are read.
_MAX_CELLS, _MAX_ELEMENTS = 100, 5_000


def open_document_blocks(package: Package, name: str) -> Iterator[Block]:
    """
    Yield the headers, the content and the footers of an OpenDocument file.

    :raises DocumentEncrypted: it asks for a password.
    :raises DocumentCorrupt: its content is missing or damaged.
    """
    manifest = package.read(MANIFEST) or b""
    if b"encryption-data" in manifest:
        raise DocumentEncrypted(f"The document {name!r} asks for a password; save it without one.")
    root = package.xml(CONTENT)
    if root is None:
        raise package.damage()
    reader = _Reader(package)
    styles = package.xml(STYLES)
    if styles is not None:
        yield from reader.margins(styles, "header")
    for element in root:
        if local_name(element) == "body":
            yield from reader.blocks(element)
    if styles is not None:
        yield from reader.margins(styles, "footer")


class _Reader:
    def __init__(self, package: Package) -> None:
        self._package = package

    def margins(self, styles: Element, kind: str) -> Iterator[Block]:
        """Yield the headers or footers of the pages."""
        for element in styles.iter():
            if local_name(element) in (kind, f"{kind}-first") and attribute(element, "display") != "false":
                yield from self.blocks(element)

    def blocks(self, parent: Element) -> Iterator[Block]:
        for element in parent:
            name = local_name(element)
            if not name or name in _UNSEEN:
                continue
            if name in ("p", "h"):
                yield from self._paragraph(element)
            elif name == "table-row":
                yield from self._row(element)
            elif name == "image":
                yield from self._picture(element)
            else:
                yield from self.blocks(element)
                if name in ("page", "table") and local_name(parent) in ("presentation", "spreadsheet"):
                    yield PageBreak()

    def _paragraph(self, element: Element) -> Iterator[Block]:
        others: list[Block] = []
        text = self._text(element, others)
        if text.strip():
            level = attribute(element, "outline-level")
            size = heading_size(int(level) if level.isdecimal() else 1) if local_name(element) == "h" else NORMAL_SIZE
            yield Paragraph(text, size)
        yield from others

    def _text(self, element: Element, others: list[Block]) -> str:
        """Return the text of a paragraph, and add the pictures and text boxes that are anchored in it to ``others``."""
        pieces = [element.text or ""]
        for child in islice(element, _MAX_ELEMENTS):
            name = local_name(child)
            if name == "s":
                count = attribute(child, "c")
                pieces.append(" " * min(int(count) if count.isdecimal() else 1, 100))
            elif name == "tab":
                pieces.append(" \u2003 ")
            elif name == "line-break":
                pieces.append("\n")
            elif name in ("frame", "text-box", "image"):
                others.extend(self.blocks(child))
                if name == "image":
                    others.extend(self._picture(child))
            elif name and name not in _UNSEEN:
                pieces.append(self._text(child, others))
            pieces.append(child.tail or "")
        return "".join(pieces)

    def _row(self, element: Element) -> Iterator[Block]:
        cells: list[str] = []
        others: list[Block] = []
        for cell in islice(element, _MAX_CELLS):
            if local_name(cell) == "table-cell":
                blocks = list(self.blocks(cell))
                cells.append("\n".join(block.text for block in blocks if isinstance(block, Paragraph)))
                others.extend(block for block in blocks if not isinstance(block, Paragraph))
        if any(cell.strip() for cell in cells):
            yield Row(tuple(cell for cell in cells if cell.strip()))
        yield from others

    def _picture(self, element: Element) -> Iterator[Picture]:
        data = self._package.read(attribute(element, "href").removeprefix("./"))
        if data:
            yield Picture(data)
