"""
Read the rows of the sheets of workbooks (XLSX).

The parts are read directly, because openpyxl loads all cells into memory, and only a page or two of text is needed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from airflow_provider_classify.engine.reading.office.blocks import Block, PageBreak, Paragraph, Row, heading_size
from airflow_provider_classify.engine.reading.office.package import Package, Relation
from airflow_provider_classify.engine.reading.safe_xml import Element, attribute, local_name

MAIN_PART = "xl/workbook.xml"
#: The most rows of a sheet, cells of a row and sheets that are read.
MAX_ROWS, MAX_CELLS, MAX_SHEETS = 500, 60, 50
#: The numbers of the built-in date formats (ECMA-376, 18.8.30), and the letters by which other date formats are known.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_DATE_LETTERS = re.compile(r"[dmyhs]", re.I)
#: The parts of a format whose letters do not count: colours, conditions, literal text and escaped characters.
_FORMAT_TEXT = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\\.|_.|\*.")
#: A date is stored as the number of days since one of these days. Workbooks of early versions of Excel for Mac, and
#: those that were made from them, use the second one and say so.
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_LATEST_DATE = datetime(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class _Dates:
    """
    How a workbook stores dates.

    :param styles: the numbers of the cell styles that show a number as a date.
    :param epoch: the day that the number 0 stands for.
    """

    styles: frozenset[int]
    epoch: datetime

    def text(self, value: str) -> str:
        """Return a number as a date, or as a time if it is below 1; unchanged if it is no date."""
        try:
            days = float(value)
        except ValueError:
            return value
        if not 0 <= days <= (_LATEST_DATE - self.epoch).days:
            return value
        moment = self.epoch + timedelta(days=days)
        return moment.strftime("%H:%M") if days < 1 else moment.strftime("%d.%m.%Y")


def xlsx_blocks(package: Package) -> Iterator[Block]:
    """
    Yield the sheets of a workbook that are not hidden, or all if all are hidden: their headers, rows and footers.

    :raises DocumentCorrupt: its main part or a sheet is damaged, or there is no sheet.
    """
    main = package.main_part(MAIN_PART)
    folder = posixpath.dirname(main)
    workbook = package.xml(main)
    if workbook is None:
        raise package.damage()
    relations = package.relations(main)
    strings = _shared_strings(package, _target(relations, "sharedStrings", f"{folder}/sharedStrings.xml"))
    dates = _Dates(_date_styles(package, _target(relations, "styles", f"{folder}/styles.xml")), _epoch(workbook))
    sheets = _sheets(workbook, {relation.key: relation.target for relation in relations})
    sheets = sheets or package.parts_like(f"{folder}/worksheets", "sheet")
    if not sheets:
        raise package.damage()
    for sheet in sheets[:MAX_SHEETS]:
        root = package.xml(sheet)
        if root is None:
            continue
        yield from _margin(root, "Header")
        yield from _rows(root, strings, dates)
        yield from _margin(root, "Footer")
        yield PageBreak()


def _target(relations: Sequence[Relation], kind: str, usual: str) -> str:
    return next((relation.target for relation in relations if relation.kind == kind), usual)


def _sheets(workbook: Element, targets: Mapping[str, str]) -> list[str]:
    """Return the parts of the sheets that the workbook lists: those that are not hidden, or all if all are hidden."""
    listed = [element for element in workbook.iter() if local_name(element) == "sheet"]
    shown = [element for element in listed if attribute(element, "state") not in ("hidden", "veryHidden")]
    return [targets[key] for element in shown or listed if (key := attribute(element, "id")) in targets]


def _epoch(workbook: Element) -> datetime:
    properties = workbook.iterfind("{*}workbookPr")
    is_1904 = any(attribute(element, "date1904") in ("1", "true", "on") for element in properties)
    return _EPOCH_1904 if is_1904 else _EPOCH


def _shared_strings(package: Package, part: str) -> Sequence[Element]:
    root = package.xml(part)
    return root.findall("{*}si") if root is not None else []


def _text(element: Element) -> str:
    """Return the text of a string or cell, without its phonetic transcription."""
    pieces = []
    for child in element:
        name = local_name(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name == "r":
            pieces.append(_text(child))
    return "".join(pieces)


def _date_styles(package: Package, part: str) -> frozenset[int]:
    """Return the numbers of the cell styles that show a number as a date."""
    root = package.xml(part)
    if root is None:
        return frozenset()
    own = {
        attribute(element, "numFmtId")
        for element in root.iter()
        if local_name(element) == "numFmt"
        and _DATE_LETTERS.search(_FORMAT_TEXT.sub("", attribute(element, "formatCode")))
    }
    formats = [
        attribute(style, "numFmtId")
        for element in root
        if local_name(element) == "cellXfs"
        for style in element
        if local_name(style) == "xf"
    ]
    return frozenset(
        number for number, key in enumerate(formats) if key in own or (key.isdecimal() and int(key) in _DATE_FORMATS)
    )


def _rows(root: Element, strings: Sequence[Element], dates: _Dates) -> Iterator[Row]:
    count = 0
    for element in root.iter("{*}row"):
        cells = islice(element.iterchildren("{*}c"), MAX_CELLS)
        texts = [_cell(cell, strings, dates) for cell in cells]
        if any(text.strip() for text in texts):
            yield Row(tuple(text for text in texts if text.strip()))
            count += 1
            if count >= MAX_ROWS:
                return


def _cell(cell: Element, strings: Sequence[Element], dates: _Dates) -> str:
    kind = attribute(cell, "t")
    for child in cell:
        name = local_name(child)
        if name == "is":
            return _text(child)
        if name == "v":
            value = child.text or ""
            if kind == "s":
                return _text(strings[int(value)]) if value.isdecimal() and int(value) < len(strings) else ""
            style = attribute(cell, "s")
            is_date = not kind or kind == "n"
            return dates.text(value) if is_date and style.isdecimal() and int(style) in dates.styles else _number(value)
    return ""


def _number(value: str) -> str:
    """Return a number with two decimals, or unchanged if it is whole. Files may have many digits of rounding errors."""
    try:
        number = float(value)
    except ValueError:
        return value
    if not value.lstrip("-").replace(".", "", 1).isdecimal():
        return value
    return f"{number:.2f}" if "." in value else value


def _margin(root: Element, kind: str) -> Iterator[Paragraph]:
    """Yield the header or the footer of a sheet, without codes such as ``&L`` and ``&"Arial"&12``."""
    seen = set()
    for element in root.iter(*(f"{{*}}{which}{kind}" for which in ("odd", "even", "first"))):
        if element.text:
            text = re.sub(r"&\"[^\"]*\"|&\d+|&K[0-9A-F]{6}|&[A-Z]", " ", element.text).replace("&&", "&").strip()
            if text and text not in seen:
                seen.add(text)
                yield Paragraph(text, heading_size(3))
