"""Office documents: what stands on their pages, however their parts are named and put together."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from airflow_provider_classify.engine.reading import container_format
from airflow_provider_classify.engine.reading.office import html_pages
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEncrypted,
    DocumentError,
    DocumentTooLarge,
    DocumentTypeUnknown,
)
from tests.support import office, paper
from tests.support.office import STRICT, TRANSITIONAL, paragraph, word, word_part, zipped
from tests.support.reading import read, text

AGREEMENT = "This agreement is made between the parties named below."
PICTURE = '<w:p><w:r><w:drawing><a:graphic><a:blip r:embed="p1"/></a:graphic></w:drawing></w:r></w:p>'
REFERENCES = '<w:sectPr><w:headerReference r:id="h1"/><w:footerReference r:id="f1"/></w:sectPr>'
NESTED = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2000))
MARGINS = {"h1": ("header", "header1.xml"), "f1": ("footer", "footer1.xml")}


def tar(files: dict[str, bytes]) -> bytes:
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as opened:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            opened.addfile(member, BytesIO(data))
    return archive.getvalue()


def lines(parts: office.Parts, folder: Path, page: int = 0) -> list[str]:
    return text(read(zipped(parts), folder)[page]).splitlines()


def test_header_comes_before_the_body_and_footer_after_it(tmp_path: Path) -> None:
    parts = word(
        paragraph(AGREEMENT) + REFERENCES,
        targets=MARGINS,
        parts={
            "word/header1.xml": word_part("hdr", paragraph("INVOICE 17")),
            "word/footer1.xml": word_part("ftr", paragraph("Bank account 4711")),
        },
    )
    assert lines(parts, tmp_path) == ["INVOICE 17", AGREEMENT, "Bank account 4711"]


@pytest.mark.parametrize("namespace", [TRANSITIONAL, STRICT])
@pytest.mark.parametrize("main", ["word/document.xml", "word/document2.xml", "Word/Dokument.XML", "x/y/z.xml"])
def test_main_part_of_any_name_transitional_and_strict(main: str, namespace: str, tmp_path: Path) -> None:
    parts = word(
        paragraph(AGREEMENT) + REFERENCES,
        main=main,
        namespace=namespace,
        targets=MARGINS,
        parts={
            f"{main.rpartition('/')[0]}/header1.xml": word_part("hdr", paragraph("INVOICE 17"), namespace=namespace),
            "word/styles.xml": word_part("styles", "", namespace=namespace),
        },
    )
    assert lines(parts, tmp_path) == ["INVOICE 17", AGREEMENT]


def test_document_without_relations_has_its_header_and_its_pictures(tmp_path: Path) -> None:
    parts = word(
        paragraph(AGREEMENT),
        with_relations=False,
        parts={"word/header1.xml": word_part("hdr", paragraph("INVOICE 17"))},
    )
    assert lines(parts, tmp_path) == ["INVOICE 17", AGREEMENT]
    parts = word("", with_relations=False, parts={"word/media/image1.png": paper.encoded(paper.picture())})
    assert "Total amount due 42.00" in lines(parts, tmp_path)


def test_word_document_without_a_folder_of_that_name(tmp_path: Path) -> None:
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = f'<Types xmlns="t"><Override PartName="/a/b.xml" ContentType="{main}"/></Types>'
    parts = word(paragraph(AGREEMENT), main="a/b.xml") | {"[Content_Types].xml": types}
    assert lines(parts, tmp_path) == [AGREEMENT]


def test_package_without_its_own_relations(tmp_path: Path) -> None:
    parts = word(paragraph(AGREEMENT))
    del parts["_rels/.rels"]
    assert lines(parts, tmp_path) == [AGREEMENT]


def test_names_of_parts_with_backslashes(tmp_path: Path) -> None:
    parts = {name.replace("/", "\\"): data for name, data in word(paragraph(AGREEMENT)).items()}
    data = zipped(parts)
    assert text(read(data, tmp_path)[0]) == AGREEMENT


@pytest.mark.parametrize(
    ("limits", "other"),
    [
        ({"MAX_PICTURE_BYTES": 100_000}, b"\x89PNG" + bytes(100_000)),
        ({"MAX_PICTURES": 1}, b"\xd7\xcd\xc6\x9a" + bytes(99)),
    ],
    ids=["too many bytes", "format that is not shown"],
)
def test_only_pictures_that_are_laid_out_count_towards_the_limits(
    limits: dict[str, int], other: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, limit in limits.items():
        monkeypatch.setattr(html_pages, name, limit)
    picture = paper.encoded(paper.picture())
    assert len(picture) < 100_000
    parts = word(
        PICTURE.replace("p1", "p0") + PICTURE,
        targets={"p0": ("image", "media/0.bin"), "p1": ("image", "media/1.png")},
        parts={"word/media/0.bin": other, "word/media/1.png": picture},
    )
    assert "Total amount due 42.00" in lines(parts, tmp_path)


def test_pictures_beyond_the_limits_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_pages, "MAX_PICTURES", 0)
    parts = word(
        paragraph(AGREEMENT) + PICTURE,
        targets={"p1": ("image", "media/a.png")},
        parts={"word/media/a.png": paper.encoded(paper.picture())},
    )
    assert lines(parts, tmp_path) == [AGREEMENT]


@pytest.mark.parametrize("target", ["media/a.png", "/word/media/a.png", "../word/media/a.png", "media\\a.png"])
def test_document_of_one_picture_is_read_by_ocr(target: str, tmp_path: Path) -> None:
    parts = word(
        PICTURE,
        targets={"p1": ("image", target)},
        parts={"word/media/a.png": paper.encoded(paper.picture())},
    )
    (page,) = read(zipped(parts), tmp_path)
    assert page.source == "ocr"
    assert "INVOICE 2024-17" in text(page)


@pytest.mark.parametrize(
    "part",
    [
        ("part.htm", f"<html><head><title>t</title></head><body><p>{AGREEMENT}</p></body></html>"),
        ("part.rtf", f"{{\\rtf1\\ansi {AGREEMENT}}}"),
        ("part.txt", AGREEMENT),
        ("part.docx", zipped(word(paragraph(AGREEMENT)))),
        ("part.mht", f"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>{AGREEMENT}</p>"),
    ],
    ids=lambda part: part[0],
)
def test_imported_part(part: tuple[str, str | bytes], tmp_path: Path) -> None:
    name, content = part
    parts = word('<w:altChunk r:id="c1"/>', targets={"c1": ("aFChunk", name)}, parts={f"word/{name}": content})
    assert lines(parts, tmp_path) == [AGREEMENT]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"PK\3\4 and no more", DocumentCorrupt),
        (zipped({"a.txt": "x"}), DocumentCorrupt),
        (zipped(word(paragraph(AGREEMENT)) | {"word/document.xml": "<w:document"}), DocumentCorrupt),
        (rb"{\rtf1\ansi\u1114112 x}", DocumentCorrupt),
        (f"MIME-Version: 1.0\n{NESTED}", DocumentCorrupt),
        ("MIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--", DocumentEncrypted),
    ],
    ids=["archive", "no Word document", "main part", "rtf", "nested mail", "encrypted mail"],
)
def test_error_of_an_imported_part_names_the_document_and_the_part(
    content: str | bytes, error: type[DocumentError], tmp_path: Path
) -> None:
    parts = word('<w:altChunk r:id="c1"/>', targets={"c1": ("aFChunk", "part")}, parts={"word/part": content})
    with pytest.raises(error, match=r"'document\.pdf/word/part'"):
        read(zipped(parts), tmp_path)


def test_document_that_imports_itself(tmp_path: Path) -> None:
    inner = zipped(word(paragraph(AGREEMENT)))
    for _ in range(10):
        parts = word(
            paragraph("Outer") + '<w:altChunk r:id="c1"/>',
            targets={"c1": ("aFChunk", "part.docx")},
            parts={"word/part.docx": inner},
        )
        inner = zipped(parts)
    assert set(lines(parts, tmp_path)) == {"Outer"}


def test_what_word_does_not_show_is_not_read(tmp_path: Path) -> None:
    body = (
        "<w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:r><w:instrText>PAGE</w:instrText></w:r>"
        f"<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:ins><w:r><w:t>{AGREEMENT}</w:t></w:r></w:ins></w:p>"
    )
    assert lines(word(body), tmp_path) == [AGREEMENT]


def test_text_box_is_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph('In a box')}</w:txbxContent>"
    body = (
        f"<w:p><w:r><mc:AlternateContent xmlns:mc='m'><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        f"</mc:AlternateContent></w:r></w:p>{paragraph(AGREEMENT)}"
    )
    assert lines(word(body), tmp_path) == ["In a box", AGREEMENT]


def test_page_break_begins_a_page(tmp_path: Path) -> None:
    body = f"{paragraph('First')}<w:p><w:r><w:br w:type='page'/></w:r></w:p>{paragraph('Second')}"
    pages = read(zipped(word(body)), tmp_path)
    assert [(page.number, text(page)) for page in pages] == [(1, "First"), (2, "Second")]


def test_sizes_of_styles_and_runs(tmp_path: Path) -> None:
    styles = (
        "<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val='20'/></w:rPr></w:rPrDefault></w:docDefaults>"
        "<w:style w:type='paragraph' w:styleId='Base'><w:rPr><w:sz w:val='48'/></w:rPr></w:style>"
        "<w:style w:type='paragraph' w:styleId='Top'><w:basedOn w:val='Base'/></w:style>"
    )
    body = (
        paragraph("Large", "<w:pPr><w:pStyle w:val='Top'/></w:pPr>")
        + "<w:p><w:r><w:rPr><w:sz w:val='36'/></w:rPr><w:t>Medium</w:t></w:r></w:p>"
        + paragraph(AGREEMENT)
    )
    parts = word(body, parts={"word/styles.xml": word_part("styles", styles)})
    (page,) = read(zipped(parts), tmp_path)
    assert [round(line.size) for line in page.lines] == [24, 18, 10]


def test_cells_of_a_table_are_a_row(tmp_path: Path) -> None:
    cells = "".join(
        f"<w:tc>{paragraph(word)}</w:tc>" for word in ("Paper of the best kind", "10 packets", "22.50 euros")
    )
    (page,) = read(zipped(word(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>")), tmp_path)
    assert text(page).split() == ["Paper", "of", "the", "best", "kind", "10", "packets", "22.50", "euros"]
    assert page.lines[0].y0 == page.lines[-1].y0


@pytest.mark.parametrize("content", ["<w:document", "", "<html/>"])
def test_main_part_that_is_damaged(content: str, tmp_path: Path) -> None:
    parts = word(paragraph(AGREEMENT)) | {"word/document.xml": content}
    with pytest.raises(DocumentCorrupt, match=r"'document\.pdf'"):
        read(zipped(parts), tmp_path)


def test_archive_of_too_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_format, "MAX_PARTS", 3)
    with pytest.raises(DocumentTooLarge):
        read(zipped(word(paragraph(AGREEMENT)) | {"word/a.txt": "x"}), tmp_path)


def test_slides_follow_the_presentation_and_not_their_numbers(tmp_path: Path) -> None:
    names = (
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="a" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    )

    def slide(title: str) -> str:
        point = "<p:sp><p:txBody><a:p><a:r><a:t>A point</a:t></a:r></a:p></p:txBody></p:sp>"
        head = (
            '<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
            f"<p:txBody><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:txBody></p:sp>"
        )
        return f"<p:sld {names}><p:cSld><p:spTree>{point}{head}</p:spTree></p:cSld></p:sld>"

    listed = '<p:sldId id="256" r:id="s2"/><p:sldId id="257" r:id="s1"/>'
    parts = {
        "_rels/.rels": office.relations({"r0": ("officeDocument", "ppt/deck.xml")}),
        "ppt/deck.xml": f"<p:presentation {names}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
        "ppt/_rels/deck.xml.rels": office.relations(
            {"s1": ("slide", "slides/slide1.xml"), "s2": ("slide", "slides/slide2.xml")}
        ),
        "ppt/slides/slide1.xml": slide("One"),
        "ppt/slides/slide2.xml": slide("Two"),
    }
    first, second = read(zipped(parts), tmp_path)
    assert [text(first).splitlines(), text(second).splitlines()] == [["Two", "A point"], ["One", "A point"]]
    assert first.lines[0].size > first.lines[1].size
    del parts["ppt/_rels/deck.xml.rels"]
    assert lines(parts, tmp_path)[0] == "One"


def test_workbook(tmp_path: Path) -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" '
        'formatCode="&quot;days&quot; 0.00"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs>'
    )
    rows = (
        '<row><c t="s"><v>0</v></c><c t="s"><v>99</v></c></row>'
        '<row><c t="inlineStr"><is><t>Date</t></is></c><c s="1"><v>46143</v></c><c s="2"><v>46143</v></c></row>'
        '<row><c t="str"><f>1+1</f><v>Total</v></c><c s="3"><v>0.1000000000001</v></c><c><v>474</v></c></row>'
    )
    parts = office.workbook(
        rows, strings=("INVOICE 17",), styles=styles, header='&amp;L&amp;"Arial,Bold"&amp;14Paper Ltd'
    )
    first, second = read(zipped(parts), tmp_path)
    assert text(first).split() == (
        ["Paper", "Ltd", "INVOICE", "17", "Date", "01.05.2026", "01.05.2026", "Total", "0.10", "474"]
    )
    assert text(second) == "Second"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("", ["01.05.2026", "12:00", "31.12.9999", "2958466", "-1"]),
        ('<workbookPr date1904="0"/>', ["01.05.2026", "12:00", "31.12.9999", "2958466", "-1"]),
        ('<workbookPr date1904="1"/>', ["02.05.2030", "12:00", "2958465", "2958466", "-1"]),
        ('<workbookPr date1904="true"/>', ["02.05.2030", "12:00", "2958465", "2958466", "-1"]),
    ],
)
def test_dates_of_a_workbook_count_from_its_own_first_day(properties: str, expected: list[str], tmp_path: Path) -> None:
    numbers = ("46143", "0.5", "2958465", "2958466", "-1")
    rows = "".join(f'<row><c s="1"><v>{number}</v></c></row>' for number in numbers)
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    parts = office.workbook(rows, styles=styles, properties=properties)
    assert text(read(zipped(parts), tmp_path)[0]).split() == expected


def test_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    parts = office.workbook('<row><c t="str"><v>Secret</v></c></row>', sheet_state="hidden")
    assert [text(page) for page in read(zipped(parts), tmp_path)] == ["Second"]


def test_text_in_open_document(tmp_path: Path) -> None:
    body = (
        '<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="1">Contract'
        '</text:h><text:p>This<text:s text:c="1"/>agreement<text:span> is made</text:span></text:p>'
        "<table:table><table:table-row><table:table-cell><text:p>Paper</text:p></table:table-cell>"
        "<table:table-cell><text:p>22.50</text:p></table:table-cell></table:table-row></table:table>"
    )
    margins = (
        "<style:header><text:p>Paper Ltd</text:p></style:header><style:footer><text:p>Bank</text:p></style:footer>"
    )
    (page,) = read(zipped(office.open_document("text", body, margins=margins)), tmp_path)
    found = text(page).splitlines()
    assert found[:3] == ["Paper Ltd", "Contract", "This agreement is made"]
    assert " ".join(found[3:]).split() == ["Paper", "22.50", "Bank"]
    assert page.lines[1].size > page.lines[2].size


def test_picture_in_open_document_is_read_by_ocr(tmp_path: Path) -> None:
    body = '<text:p><draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame></text:p>'
    parts = office.open_document("text", body, parts={"Pictures/a.png": paper.encoded(paper.picture())})
    (page,) = read(zipped(parts), tmp_path)
    assert page.source == "ocr"
    assert "Total amount due 42.00" in text(page)
    assert len(page.lines) == len(paper.INVOICE)


def test_each_sheet_and_slide_of_open_document_is_a_page(tmp_path: Path) -> None:
    def sheet(word: str) -> str:
        cell = f"<table:table-cell><text:p>{word}</text:p></table:table-cell>"
        return f"<table:table><table:table-row>{cell}</table:table-row></table:table>"

    pages = read(zipped(office.open_document("spreadsheet", sheet("One") + sheet("Two"))), tmp_path)
    assert [text(page) for page in pages] == ["One", "Two"]
    slides = "".join(f"<draw:page><draw:frame><text:p>{word}</text:p></draw:frame></draw:page>" for word in ("A", "B"))
    pages = read(zipped(office.open_document("presentation", slides)), tmp_path)
    assert [text(page) for page in pages] == ["A", "B"]


def test_open_document_under_a_password(tmp_path: Path) -> None:
    manifest = "<manifest:manifest xmlns:manifest='m'><manifest:encryption-data/></manifest:manifest>"
    parts = office.open_document("text", "", manifest=manifest)
    with pytest.raises(DocumentEncrypted, match="asks for a password"):
        read(zipped(parts | {"content.xml": b"\x01\x02"}), tmp_path)


def test_rtf(tmp_path: Path) -> None:
    data = (
        "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}{\\info{\\title hidden}}\\b INVOICE 17\\b0\\par\n"
        "Gr\\'fc\\'dfe aus K\\u246?ln\\par}"
    )
    assert text(read(data.encode(), tmp_path)[0]).splitlines() == ["INVOICE 17", "Grüße aus Köln"]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (zipped({"a.pdf": b"%PDF-1.7", "b.pdf": b"x"}), r"archive \(ZIP\)"),
        (b"PK\x05\x06" + bytes(18), r"archive \(ZIP\)"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "7z"),
        (b"Rar!\x1a\x07\x01" + bytes(50), "RAR"),
        (b"JVBERi0xLjcKJcK1wrYKJSBXcml0dGVu\n" * 20, "base64 text of a PDF"),
        (b"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA", "base64 text of a PNG"),
        (b"UEsDBBQAAAAIAAAAIQ\r\nUEsDBBQAAAAIAAAAIQ==", "base64 text of a ZIP"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (tar({"invoice.pdf": b"%PDF-1.7 x"}), r"archive \(tar\)"),
    ],
)
def test_known_format_that_is_not_read_is_named(data: bytes, word: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentTypeUnknown, match=word):
        read(data, tmp_path)


def test_archive_that_holds_a_pdf_first_is_no_pdf(tmp_path: Path) -> None:
    data = office.zipped({"a.txt": "x"})
    stored = data[:30] + b"%PDF-1.7\n" + data[30:]
    with pytest.raises(DocumentError, match="ZIP"):
        read(stored, tmp_path)


@pytest.mark.parametrize("end", ["", "\n%%EOF is its last line.\n"])
def test_text_about_pdf_is_text(end: str, tmp_path: Path) -> None:
    mail = f"From: a@a.example\nTo: b@b.example\nSubject: %PDF-1.7\n\nYour file begins with %PDF-1.7.{end}"
    assert "Your file begins" in text(read(mail.encode(), tmp_path, "mail")[0])
    letter = b"Dear Ben,\n\nthe file begins with %PDF-1.7 and has no end.\n\nYours, Ada\n"
    assert text(read(letter, tmp_path, "letter.txt")[0]).startswith("Dear Ben,")
    notes = b"The header %PDF-1.7 comes before 1 0 obj, then startxref,\nand %%EOF ends the file.\n"
    assert text(read(notes, tmp_path, "notes")[0]).startswith("The header")


def test_pdf_behind_the_headers_of_a_reply_is_a_pdf(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + paper.pdf("A page of a pdf file.")
    assert text(read(reply, tmp_path, "reply")[0]).startswith("A page")
