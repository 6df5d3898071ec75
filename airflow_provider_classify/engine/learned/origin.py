"""Measure a document's format and metadata, such as the kind of program that created it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

#: Kinds of programs, and patterns for the creator and producer that they write into the metadata of a PDF.
_PROGRAMS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "typesetting": r"\btex\b|latex|pdftex|xetex|luatex|dvips|dvipdf|arbortext|elsevier|springer|acm|3b2|typst",
        "slides": r"powerpoint|impress|keynote|beamer|prezi|slides",
        "writer": r"\bword\b|microsoft® word|writer|google docs|pages\b|openoffice|wordperfect",
        "tables": r"excel|\bcalc\b|spreadsheet|numbers\b",
        "design": r"indesign|illustrator|quark|canva|corel|photoshop|scribus|affinity|publisher|freehand|pagemaker",
        "browser": r"chrom|mozilla|safari|wkhtml|webkit|\bqt\b|prince|weasy|headless|puppeteer|skia|edge",
        "reports": r"itext|fpdf|tcpdf|crystal|jasper|reportlab|\bsap\b|oracle|pdfsharp|mpdf|dompdf|fop|birt|jspdf|"
        r"pdfkit|telerik|aspose|activereports|devexpress|pdflib|openpdf|docraptor|tallcomponents|syncfusion|exstream|"
        r"docusign|streamserve|stimulsoft|fastreport|prawn|hummus|pdf-lib|pdfbox|zend",
        "forms": r"livecycle|designer|experience manager|aem forms|formflow|jetform|omniform|elixir",
        "scanner": r"scan|canon|xerox|ricoh|konica|hewlett|\bhp\b|epson|kofax|abbyy|finereader|paper capture|tesseract|"
        r"ocrmypdf|luratech|image|kyocera|fujitsu|omnipage|readiris|jpeg|leadtools|brother|internet archive|recoded",
        "distiller": r"distiller|ghostscript|pscript|pdfcreator|cutepdf|primopdf",
        "drawing": r"autocad|visio|solidworks|altium|eagle|inkscape|framemaker|bluebeam|maker",
        "apple": r"quartz|mac os|ios ",
    }.items()
}
#: Formats that are evidence, because their documents are mostly of a few types.
_FORMATS = ("pdf", "image", "docx", "pptx", "xlsx", "odf", "rtf", "html", "text", "email")

NAMES: tuple[str, ...] = (
    *(f"program:{name}" for name in _PROGRAMS),
    "program:none",
    *(f"format:{name}" for name in _FORMATS),
    "document:fields", "document:outline", "document:pages", "document:single",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PdfMetadata:
    """
    The metadata of a PDF that show how it was created.

    :param program: its creator and producer.
    :param has_fields: whether it has form fields.
    :param has_outline: whether it has an outline.
    """

    program: str = ""
    has_fields: bool = False
    has_outline: bool = False


#: Stands for missing metadata.
NO_METADATA = PdfMetadata()


@dataclass(frozen=True, slots=True)
class Origin:
    """
    The format and metadata of a document.

    :param format: the name of the format.
    :param metadata: the metadata, if it is a PDF.
    :param pages: the number of its pages.
    """

    format: str = "pdf"
    metadata: PdfMetadata = NO_METADATA
    pages: int = 1


@lru_cache(maxsize=64)
def origin_measures(origin: Origin) -> Sequence[float]:
    """Return the measures that ``NAMES`` lists."""
    programs = [float(bool(pattern.search(origin.metadata.program))) for pattern in _PROGRAMS.values()]
    return (
        *programs,
        float(not origin.metadata.program.strip()),
        *(float(origin.format == name) for name in _FORMATS),
        float(origin.metadata.has_fields),
        float(origin.metadata.has_outline),
        math.log(max(1, origin.pages)) / 2,
        float(origin.pages == 1),
    )
