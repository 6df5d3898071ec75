"""Write a small document of each format that the engine reads. Folders of real documents have only a few formats."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pymupdf

from tests.support import office, paper
from tests.support.ole import outlook_message

TEXT = "Invoice number 17. The total amount due is 42.00 and is payable within thirty days."
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"


def write_seeds(folder: Path) -> list[Path]:
    """Write the documents into ``folder``; return their paths."""
    paths = []
    for name, data in _seeds().items():
        path = folder / name
        path.write_bytes(data)
        paths.append(path)
    return paths


def _seeds() -> dict[str, bytes]:
    picture = paper.encoded(paper.picture())
    invoice = f'<?xml version="1.0"?><Invoice xmlns="{_UBL}"><ID>17</ID><Note>{TEXT}</Note></Invoice>'.encode()
    word = office.word(
        office.paragraph(TEXT) + '<w:sectPr><w:headerReference r:id="h1"/></w:sectPr><w:altChunk r:id="c1"/>',
        targets={"h1": ("header", "header1.xml"), "c1": ("aFChunk", "part.htm"), "p1": ("image", "media/a.png")},
        parts={
            "word/header1.xml": office.word_part("hdr", office.paragraph("INVOICE 17")),
            "word/part.htm": f"<p>{TEXT}</p>",
            "word/media/a.png": picture,
        },
    )
    body = f'<text:h text:outline-level="1">INVOICE 17</text:h><text:p>{TEXT}</text:p>'
    rows = '<row><c t="s"><v>0</v></c><c><v>42.00</v></c></row>'
    return {
        "letter.pdf": paper.pdf(TEXT),
        "e-invoice.pdf": _with_files({"factur-x.xml": invoice}, is_portfolio=False),
        "portfolio.pdf": _with_files({"a.pdf": paper.pdf(TEXT), "b.txt": TEXT.encode()}, is_portfolio=True),
        "word.docx": office.zipped(word),
        "slides.pptx": paper.pptx(["INVOICE 17", TEXT], ["Second slide"]),
        "book.xlsx": office.zipped(office.workbook(rows, strings=(TEXT,))),
        "text.odt": office.zipped(office.open_document("text", body)),
        "text.rtf": b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\\b INVOICE 17\\b0\\par "
        + TEXT.encode()
        + b"}",
        "page.html": f"<!DOCTYPE html><html><body><h1>INVOICE 17</h1><p>{TEXT}</p></body></html>".encode(),
        "invoice.xml": invoice,
        "notes.txt": TEXT.encode("utf-16-le"),
        "mail.eml": _mail(),
        "mail.msg": outlook_message(subject="Invoice 17", body=TEXT, attachments={"a.pdf": paper.pdf(TEXT)}),
        "photo.png": picture,
    }


def _with_files(files: dict[str, bytes], *, is_portfolio: bool) -> bytes:
    with pymupdf.open(stream=paper.pdf(TEXT), filetype="pdf") as document:
        for name, data in files.items():
            document.embfile_add(name, data)
        if is_portfolio:
            document.xref_set_key(document.pdf_catalog(), "Collection", "<</Type/Collection/View/D>>")
        return bytes(document.tobytes())


def _mail() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <ada@a.example>", "bob@b.example", "Invoice 17"
    message.set_content("See attached.")
    message.add_alternative(f"<p>See attached.</p><p>{TEXT}</p>", subtype="html")
    message.add_attachment(paper.pdf(TEXT), maintype="application", subtype="pdf", filename="invoice.pdf")
    return bytes(message)
