"""Read presentations (PPTX): each slide is a page."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

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
from airflow_provider_classify.engine.reading.office.package import Package
from airflow_provider_classify.engine.reading.safe_xml import Element, attribute, local_name

MAIN_PART = "ppt/presentation.xml"
_TITLES = frozenset({"title", "ctrTitle"})
#: A subtitle has the font size of a heading of this level.
_SUBTITLE_LEVEL = 3
_UNSEEN = frozenset({"Fallback", "nvSpPr", "spPr", "bodyPr", "lstStyle", "nvPicPr"})


def pptx_blocks(package: Package) -> Iterator[Block]:
    """
    Yield the slides of a presentation with a page break after each.

    :raises DocumentCorrupt: its main part or a slide is damaged, or there is no slide.
    """
    slides = _slides(package)
    if not slides:
        raise package.damage()
    for slide in slides:
        root = package.xml(slide)
        if root is None:
            continue
        relations = package.relations(slide)
        targets = {relation.key: relation.target for relation in relations}
        yield from _Slide(package, targets).blocks(root)
        for relation in relations:
            if relation.kind == "diagramData" and (diagram := package.xml(relation.target)) is not None:
                yield from _Slide(package, {}).blocks(diagram)
        yield PageBreak()


def _slides(package: Package) -> list[str]:
    main = package.main_part(MAIN_PART)
    root = package.xml(main)
    if root is None:
        raise package.damage()
    targets = {relation.key: relation.target for relation in package.relations(main) if relation.kind == "slide"}
    # A slide has two ids. The id with a namespace refers to its part.
    keys = [
        next((value for key, value in element.items() if key.endswith("}id")), "")
        for element in root.iter()
        if local_name(element) == "sldId"
    ]
    listed = [targets[key] for key in keys if key in targets]
    return listed or package.parts_like(posixpath.join(posixpath.dirname(main), "slides"), "slide")


class _Slide:
    def __init__(self, package: Package, targets: Mapping[str, str]) -> None:
        self._package = package
        self._targets = targets

    def blocks(self, root: Element) -> Iterator[Block]:
        titles: list[Block] = []
        others: list[Block] = []
        self._collect(root, titles, others, NORMAL_SIZE)
        yield from titles
        yield from others

    def _collect(self, parent: Element, titles: list[Block], others: list[Block], size: float) -> None:
        for element in parent:
            name = local_name(element)
            if not name or name in _UNSEEN:
                continue
            if name == "sp":
                kind = next((attribute(e, "type") for e in element.iter() if local_name(e) == "ph"), "")
                is_title = kind in _TITLES
                self._collect(
                    element,
                    titles,
                    titles if is_title else others,
                    heading_size(1) if is_title else heading_size(_SUBTITLE_LEVEL) if kind == "subTitle" else size,
                )
            elif name == "p":
                others.extend(_paragraph(element, size))
            elif name == "tr":
                cells = tuple(
                    "\n".join(block.text for p in cell.iter() if local_name(p) == "p" for block in _paragraph(p, size))
                    for cell in element
                    if local_name(cell) == "tc"
                )
                if any(cells):
                    others.append(Row(cells))
            elif name == "blip":
                data = self._package.read(self._targets.get(attribute(element, "embed"), ""))
                if data:
                    others.append(Picture(data))
            else:
                self._collect(element, titles, others, size)


def _paragraph(paragraph: Element, size: float) -> Iterator[Paragraph]:
    pieces: list[str] = []
    sizes: list[float] = []
    for element in paragraph.iter():
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name == "br":
            pieces.append("\n")
        elif name == "rPr" and attribute(element, "sz").isdecimal():
            # In hundredths of a point. A slide is laid out 10 inches wide.
            sizes.append(min(max(int(attribute(element, "sz")) / 100, LEAST_SIZE), MOST_SIZE))
    text = "".join(pieces)
    if text.strip():
        yield Paragraph(text, max(sizes, default=size))
