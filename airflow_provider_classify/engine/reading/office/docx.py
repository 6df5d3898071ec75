"""
Read Word documents (DOCX).

Elements are found by their names in any namespace, because Transitional and Strict files have different namespaces.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.encodings import decode_html
from airflow_provider_classify.engine.reading.html_text import text_of_html
from airflow_provider_classify.engine.reading.office.blocks import (
    LEAST_SIZE,
    MOST_SIZE,
    NORMAL_SIZE,
    Block,
    PageBreak,
    Paragraph,
    Picture,
    Row,
    heading_size,
)
from airflow_provider_classify.engine.reading.office.package import Package, Relation, open_package
from airflow_provider_classify.engine.reading.safe_xml import Element, attribute, local_name

MAIN_PART = "word/document.xml"
#: The most levels of documents within documents (altChunk) that are read.
_MAX_DEPTH = 3
#: The most elements of a paragraph, and the most headers and the most footers, that are read.
_MAX_ELEMENTS, _MAX_MARGINS = 20_000, 20
#: The most cells of a row that are read.
_MAX_CELLS = 100
#: Elements that show no text, or show it a second time.
_UNSEEN = frozenset(
    {"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "sectPr", "tblPr", "trPr", "tcPr", "rPr", "sdtPr"}
)
#: The text for a tab. Its width separates columns.
_TAB = " \u2003 "


def docx_blocks(package: Package, depth: int = 0) -> Iterator[Block]:
    """
    Yield the headers, the body and the footers of a Word document.

    :raises DocumentCorrupt: its main part is missing or damaged.
    """
    yield from _Document(package, package.main_part(MAIN_PART), depth).blocks()


class _Document:
    def __init__(self, package: Package, part: str, depth: int) -> None:
        self._package = package
        self._part = part
        self._depth = depth
        self._folder = posixpath.dirname(part)

    def blocks(self) -> Iterator[Block]:
        root = self._package.xml(self._part)
        if root is None or local_name(root) != "document":
            raise self._package.damage()
        relations = self._package.relations(self._part)
        yield from self._margins(root, relations, "header")
        yield from self._of_part(root, relations)
        yield from self._margins(root, relations, "footer")

    def _margins(self, root: Element, relations: Sequence[Relation], kind: str) -> Iterator[Block]:
        """Yield the headers or footers that the document refers to, or all in the package if it has no relations."""
        targets = {relation.key: relation.target for relation in relations if relation.kind == kind}
        wanted = [
            targets[key]
            for element in root.iter(f"{{*}}{kind}Reference")
            if (key := attribute(element, "id")) in targets
        ]
        parts = wanted if relations else self._package.parts_like(self._folder, kind)
        seen: set[str] = set()
        for part in islice(dict.fromkeys(parts), _MAX_MARGINS):
            margin = self._package.xml(part)
            if margin is None:
                continue
            blocks = list(self._of_part(margin, self._package.relations(part)))
            text = "\n".join(block.text for block in blocks if isinstance(block, Paragraph))
            # The headers of first, even and odd pages are often the same.
            if text not in seen or any(isinstance(block, Picture) for block in blocks):
                seen.add(text)
                yield from blocks

    def _of_part(self, root: Element, relations: Sequence[Relation]) -> Iterator[Block]:
        targets = {relation.key: relation.target for relation in relations}
        if not relations and local_name(root) == "document":
            # The places of the pictures are unknown, so all pictures come before the text.
            for part in self._package.parts_like(f"{self._folder}/media", ""):
                yield from self._picture(part)
        yield from self._of_element(root, targets)

    def _of_element(self, parent: Element, targets: Mapping[str, str]) -> Iterator[Block]:
        for element in parent:
            name = local_name(element)
            if name == "p":
                yield from self._paragraph(element, targets)
            elif name == "tbl":
                yield from self._table(element, targets)
            elif name == "altChunk":
                yield from self._imported(targets.get(attribute(element, "id"), ""))
            elif name and name not in _UNSEEN:
                yield from self._of_element(element, targets)

    def _paragraph(self, paragraph: Element, targets: Mapping[str, str]) -> Iterator[Block]:
        style = self._paragraph_size(paragraph)
        pieces: list[str] = []
        sizes: list[float] = []
        others: list[Block] = []
        breaks = 0
        for element in islice(_seen_elements(paragraph), _MAX_ELEMENTS):
            name = local_name(element)
            if name == "t":
                text = element.text or ""
                pieces.append(text)
                if not text.isspace():
                    sizes.append(_run_size(element.getparent()) or style)
            elif name == "tab" and local_name(element.getparent()) == "r":
                pieces.append(_TAB)
            elif name in ("br", "cr"):
                if attribute(element, "type") == "page":
                    breaks += 1
                    if not "".join(pieces).strip():
                        yield PageBreak()
                        breaks -= 1
                else:
                    pieces.append("\n")
            elif name in ("noBreakHyphen", "softHyphen"):
                pieces.append("-" if name == "noBreakHyphen" else "")
            elif name == "txbxContent":
                others.extend(self._of_element(element, targets))
            elif name in ("blip", "imagedata"):
                key = attribute(element, "embed") or attribute(element, "id")
                others.extend(self._picture(targets.get(key, "")))
        text = "".join(pieces)
        if text.strip():
            yield Paragraph(text, max(sizes, default=style))
        yield from others
        if breaks:
            yield PageBreak()

    def _table(self, table: Element, targets: Mapping[str, str]) -> Iterator[Block]:
        for row in _nearest(table, "tr"):
            cells: list[str] = []
            others: list[Block] = []
            for cell in islice(_nearest(row, "tc"), _MAX_CELLS):
                blocks = list(self._of_element(cell, targets))
                cells.append("\n".join(_text_of(block) for block in blocks if not isinstance(block, Picture)))
                others.extend(block for block in blocks if isinstance(block, Picture))
            if any(cell.strip() for cell in cells):
                yield Row(tuple(cells))
            yield from others

    def _picture(self, part: str) -> Iterator[Picture]:
        data = self._package.read(part) if part else None
        if data:
            yield Picture(data)

    def _imported(self, part: str) -> Iterator[Block]:
        """
        Yield the text of another document, which Word inserts here when it opens this one.

        Its errors name this document and the part, as errors of other nested documents do.
        """
        data = self._package.read(part) if part else None
        if not data or self._depth >= _MAX_DEPTH:
            return
        name = f"{self._package.name}/{part}"
        if data.startswith(b"PK"):
            with open_package(Source(name, data)) as package:
                yield from docx_blocks(package, self._depth + 1)
            return
        if data.lstrip().startswith(b"{\\rtf"):
            from airflow_provider_classify.engine.reading.rtf import rtf_text

            text = rtf_text(data, name)
        else:
            text = decode_html(data)
            if text.lstrip()[:5].lower().startswith(("mime-", "from:")):
                from airflow_provider_classify.engine.reading.eml import text_of_message

                text = text_of_message(data, name)
            elif "<" in text[:200]:
                text = text_of_html(text)
        for line in text.splitlines():
            if line.strip():
                yield Paragraph(line)

    def _paragraph_size(self, paragraph: Element) -> float:
        """Return the font size of a paragraph by its style, in points."""
        style = next((attribute(e, "val") for e in paragraph.iterfind("{*}pPr/{*}pStyle")), "")
        return self._style_sizes.get(style, self._style_sizes.get("", NORMAL_SIZE))

    @cached_property
    def _style_sizes(self) -> Mapping[str, float]:
        """The font sizes of paragraph styles by their ids, in points. The default style has an empty id."""
        part = next(
            (relation.target for relation in self._package.relations(self._part) if relation.kind == "styles"),
            posixpath.join(self._folder, "styles.xml"),
        )
        root = self._package.xml(part)
        if root is None:
            return {}
        styles = {attribute(style, "styleId"): style for style in root.iterfind("{*}style")}
        default = next((size for e in root.iterfind("{*}docDefaults/{*}rPrDefault/{*}rPr") if (size := _size(e))), 0.0)
        sizes = {key: _style_size(style, styles) or default or NORMAL_SIZE for key, style in styles.items()}
        normal = next(
            (
                key
                for key, e in styles.items()
                if attribute(e, "default") in ("1", "true") and attribute(e, "type") == "paragraph"
            ),
            None,
        )
        sizes[""] = sizes[normal] if normal is not None else default or NORMAL_SIZE
        return sizes


def _style_size(style: Element, styles: Mapping[str, Element]) -> float:
    """
    Return the font size of a style in points; 0 if it is unknown.

    It is the size of the style itself, or that of its heading level, or else that of the style on which it is based.
    """
    for _ in range(20):
        for properties in style.iterfind("{*}rPr"):
            if size := _size(properties):
                return size
        level = next((attribute(e, "val") for e in style.iterfind("{*}pPr/{*}outlineLvl")), "")
        if level.isdecimal() and int(level) < 9:
            return heading_size(int(level) + 1)
        base = next((attribute(e, "val") for e in style.iterfind("{*}basedOn")), "")
        if base not in styles:
            break
        style = styles[base]
    return 0.0


def _run_size(run: Element | None) -> float:
    for properties in run.iterfind("{*}rPr") if run is not None else ():
        if size := _size(properties):
            return size
    return 0.0


def _size(properties: Element) -> float:
    """Return the font size of run properties in points; 0 if they have none. Files mostly give it in half points."""
    for element in properties.iterfind("{*}sz"):
        value = attribute(element, "val")
        try:
            # Strict files may give it in points, with the unit.
            size = float(value[:-2]) if value.endswith("pt") else float(value) / 2
        except ValueError:
            return 0.0
        return min(max(size, LEAST_SIZE), MOST_SIZE)
    return 0.0


def _seen_elements(parent: Element) -> Iterator[Element]:
    """Yield the elements of a paragraph in order, without hidden ones and without the contents of text boxes."""
    for element in parent:
        name = local_name(element)
        if not name or name in _UNSEEN or (name == "r" and _is_hidden(element)):
            continue
        yield element
        if name != "txbxContent":
            yield from _seen_elements(element)


def _is_hidden(run: Element) -> bool:
    return any(attribute(e, "val") not in ("0", "false") for e in run.iterfind("{*}rPr/{*}vanish"))


def _nearest(parent: Element, wanted: str) -> Iterator[Element]:
    """Yield the elements named ``wanted`` below ``parent`` that are not nested in another element of that name."""
    for element in parent:
        name = local_name(element)
        if name == wanted:
            yield element
        elif name and name not in _UNSEEN:
            yield from _nearest(element, wanted)


def _text_of(block: Block) -> str:
    if isinstance(block, Row):
        return "  ".join(block.cells)
    return block.text if isinstance(block, Paragraph) else ""
