"""Create Word, Excel and OpenDocument files part by part, valid and invalid ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

TRANSITIONAL = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_KINDS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)

Parts = Mapping[str, bytes | str]


def zipped(parts: Parts) -> bytes:
    """Return a zip archive of parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def relations(targets: Mapping[str, tuple[str, str]], *, strict: bool = False) -> str:
    """Return a part of relations: ids with their kinds and targets."""
    kinds = _STRICT_KINDS if strict else _KINDS
    listed = "".join(
        f'<Relationship Id="{key}" Type="{kinds}/{kind}" Target="{target}"/>' for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_RELATIONS}">{listed}</Relationships>'


def paragraph(text: str, properties: str = "") -> str:
    """Return a Word paragraph with one run."""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_part(root: str, content: str, *, namespace: str = TRANSITIONAL) -> str:
    """Return a part of a Word document."""
    return (
        f'<w:{root} xmlns:w="{namespace}" xmlns:r="{_KINDS}" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{content}</w:{root}>'
    )


def word(
    body: str,
    *,
    main: str = "word/document.xml",
    namespace: str = TRANSITIONAL,
    targets: Mapping[str, tuple[str, str]] | None = None,
    parts: Parts | None = None,
    with_relations: bool = True,
) -> dict[str, bytes | str]:
    """Return the parts of a Word document; ``targets`` are the relations of its main part."""
    folder, _, file = main.rpartition("/")
    made: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": relations({"r0": ("officeDocument", f"/{main}")}, strict=namespace == STRICT),
        main: word_part("document", f"<w:body>{body}</w:body>", namespace=namespace),
    }
    if with_relations:
        made[f"{folder}/_rels/{file}.rels"] = relations(targets or {}, strict=namespace == STRICT)
    return made | dict(parts or {})


def workbook(
    rows: str,
    *,
    strings: tuple[str, ...] = (),
    styles: str = "",
    header: str = "",
    sheet_state: str = "visible",
    properties: str = "",
) -> dict[str, bytes | str]:
    """Return the parts of a workbook of two sheets: one with these rows, and one with the word Second."""
    names = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_KINDS}"'
    listed = f'<sheet name="A" sheetId="1" state="{sheet_state}" r:id="r1"/><sheet name="B" sheetId="2" r:id="r2"/>'
    second = '<row><c t="inlineStr"><is><t>Second</t></is></c></row>'
    margin = f"<headerFooter><oddHeader>{header}</oddHeader></headerFooter>"
    return {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": relations({"r0": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f"<workbook {names}>{properties}<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            {
                "r1": ("worksheet", "worksheets/sheet1.xml"),
                "r2": ("worksheet", "worksheets/sheet2.xml"),
                "r3": ("sharedStrings", "sharedStrings.xml"),
                "r4": ("styles", "styles.xml"),
            }
        ),
        "xl/worksheets/sheet1.xml": f"<worksheet {names}><sheetData>{rows}</sheetData>{margin}</worksheet>",
        "xl/worksheets/sheet2.xml": f"<worksheet {names}><sheetData>{second}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {names}>{''.join(f'<si><t>{text}</t></si>' for text in strings)}</sst>",
        "xl/styles.xml": f"<styleSheet {names}>{styles}</styleSheet>",
    }


def open_document(
    kind: str, body: str, *, margins: str = "", parts: Parts | None = None, manifest: str = "<m/>"
) -> dict[str, bytes | str]:
    """Return the parts of an OpenDocument file; ``kind`` is text, spreadsheet or presentation."""
    content = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    page = f"<office:master-styles><style:master-page>{margins}</style:master-page></office:master-styles>"
    return {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "META-INF/manifest.xml": manifest,
        "content.xml": f"<office:document-content {_NAMES}>{content}</office:document-content>",
        "styles.xml": f"<office:document-styles {_NAMES}>{page}</office:document-styles>",
        **(parts or {}),
    }
