"""Bad input: each kind has its error, which names the document; a bad page fails alone."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading import container_format, open_document
from airflow_provider_classify.engine.reading.text_quality import better_reading, is_readable
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentError,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
    DocumentTypeUnknown,
)
from tests.support import paper
from tests.support.ole import ole
from tests.support.reading import read

TEXT = "Enough text on this page for it to need no OCR."


def _pdf_without_pages() -> bytes:
    body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    second = len(body)
    body += b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in (9, second))
    table = b"xref\n0 3\n0000000000 65535 f \n" + entries + b"trailer<</Size 3/Root 1 0 R>>\n"
    return body + table + b"startxref\n%d\n%%%%EOF" % len(body)


BAD: list[tuple[str, bytes, type[DocumentError]]] = [
    ("no bytes", b"", DocumentEmpty),
    ("PDF without pages", _pdf_without_pages(), DocumentEmpty),
    ("white space", b" \n\n ", DocumentEmpty),
    ("zeros", bytes(5000), DocumentTypeUnknown),
    ("binary", bytes(range(256)) * 20, DocumentTypeUnknown),
    ("archive", paper.archive(a_txt="x"), DocumentTypeUnknown),
    ("old Word", ole({"WordDocument": b"x"}), DocumentTypeUnknown),
    ("encrypted DOCX", ole({"EncryptedPackage": b"x"}), DocumentEncrypted),
    ("encrypted PDF", paper.pdf(TEXT, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret"), DocumentEncrypted),
    ("PDF in name only", b"%PDF-1.7\n" + b"junk" * 50, DocumentCorrupt),
    ("PDF cut short", paper.pdf(TEXT)[:60], DocumentCorrupt),
    ("DOCX cut short", paper.docx(TEXT)[:200], DocumentCorrupt),
    ("DOCX of no Word", paper.archive(word__document_xml="<a>"), DocumentCorrupt),
    ("PNG in name only", b"\x89PNG\r\n\x1a\n" + b"x" * 100, DocumentCorrupt),
    *[
        (f"{kind} cut short", data[: len(data) // 2], DocumentCorrupt)
        for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
        if (data := paper.encoded(paper.picture(), kind))
    ],
    ("PNG of 400 megapixels", paper.png_header(20_000, 20_000), DocumentTooLarge),
    ("PNG of 121 megapixels", paper.png_header(11_000, 11_000), DocumentTooLarge),
    (
        "zip bomb",
        paper.archive(word__document_xml=b" " * (container_format.MAX_UNPACKED_XML_BYTES + 1)),
        DocumentTooLarge,
    ),
]


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*rest, id=name) for name, *rest in BAD])
def test_bad_input_has_its_error(data: bytes, expected: type[DocumentError], tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"'mine\.pdf'") as caught:
        read(data, tmp_path, "mine.pdf")
    assert type(caught.value) is expected


def test_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_format, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(DocumentTooLarge, match="split it"):
        read(paper.docx("word " * 300), tmp_path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotFound, match="'lost'"), open_document(tmp_path / "lost", name="lost"):
        pass


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotReadable, match="'folder'"), open_document(tmp_path, name="folder"):
        pass


def test_owner_password_alone_does_not_matter(tmp_path: Path) -> None:
    data = paper.pdf(TEXT, encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="secret")
    assert read(data, tmp_path)[0].lines[0].text == TEXT


def test_a_pdf_without_readable_pages_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>")
    message = r"^The document 'scan\.pdf' is damaged: none of its pages can be read; fetch it again\.$"
    with pytest.raises(DocumentCorrupt, match=message), open_document(path, name="scan.pdf"):
        pass


def test_lost_page_fails_alone(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.pdf(TEXT, TEXT), filetype="pdf") as document:
        document.update_stream(document[1].get_contents()[0], b"")
        data = document.tobytes()
    path = tmp_path / "data"
    path.write_bytes(data[: data.rindex(b"xref")])
    with open_document(path, name="half.pdf") as document:
        first, second = document.pages
        assert next(first.passes()).lines[0].text == TEXT
        with pytest.raises(DocumentCorrupt, match=r"Page 2 of the document 'half\.pdf' is lost"):
            next(second.passes())


def test_second_frame_cut_short_fails_alone(tmp_path: Path) -> None:
    data = paper.encoded(paper.picture(), "GIF", save_all=True, append_images=[paper.picture(paper.RECEIPT)])
    path = tmp_path / "data"
    path.write_bytes(data[:-1500])
    with open_document(path, name="half.gif", threads=1) as document:
        first, second = document.pages
        assert next(first.passes()).lines[0].text == paper.INVOICE[0]
        with pytest.raises(DocumentCorrupt, match=r"Page 2 of the image 'half\.gif'"):
            next(second.passes())


def _page(*texts: str, source: str = "text_layer") -> Page:
    return Page(1, 600, 800, tuple(Line(text, 10, 0, 0, 1, 0.1) for text in texts), source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("A sentence of words that is long enough.", True),
        ("too short", False),
        ("1,204.50 3,311.00 4,515.50 2,000.00 17.25 9.5", True),
        ("\ufffd" * 10 + "A sentence of words that is long enough.", False),
        ("\ue001\ue002\ue003" * 20, False),
        ("!#$%&()*+,-./:;<=>?@[]^_{|}~" * 3, False),
        ("発注書 お客様各位 いつもお世話になっております。下記の通り注文いたします。よろしくお願いします。", True),
    ],
)
def test_readable_text(text: str, readable: bool) -> None:
    assert is_readable(_page(text)) is readable


def test_ocr_wins_unless_it_finds_next_to_nothing() -> None:
    layer = _page("A short title of a page")
    assert better_reading(layer, _page("A short title of a page", source="ocr")).source == "ocr"
    assert better_reading(layer, _page("~", source="ocr")) is layer
    assert better_reading(layer, _page(*"abc", source="ocr")).source == "ocr"
