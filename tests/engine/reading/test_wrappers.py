"""Files that only stand for a document: they say what they are."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEncrypted, DocumentPlaceholder
from tests.support import paper
from tests.support.ole import ole
from tests.support.reading import read, text

TEXT = "Enough text on this page for it to need no OCR."
WAIT = "Please wait... If this message is not eventually replaced, get Adobe Reader."


def form(*pages: str, needs_rendering: bool, xfa: str = "stream") -> bytes:
    with pymupdf.open(stream=paper.pdf(*pages), filetype="pdf") as document:
        packet = document.get_new_xref()
        document.update_object(packet, "<<>>")
        document.update_stream(packet, b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
        value = {"stream": f"{packet} 0 R", "array": f"[(template) {packet} 0 R]"}[xfa]
        document.xref_set_key(document.pdf_catalog(), "AcroForm", f"<</Fields[]/XFA {value}>>")
        if needs_rendering:
            document.xref_set_key(document.pdf_catalog(), "NeedsRendering", "true")
        return bytes(document.tobytes())


@pytest.mark.parametrize("xfa", ["stream", "array"])
@pytest.mark.parametrize(
    ("page", "needs_rendering"),
    [(WAIT, False), (WAIT, True), ("Bitte warten Sie", True), ("Veuillez installer Acrobat", False), ("", True)],
)
def test_dynamic_xfa_form(page: str, needs_rendering: bool, xfa: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentPlaceholder, match=r"'mine\.pdf' is a dynamic XFA form"):
        read(form(page, needs_rendering=needs_rendering, xfa=xfa), tmp_path, "mine.pdf")


@pytest.mark.parametrize("pages", [[TEXT], [TEXT, WAIT]])
def test_static_xfa_form_is_read(pages: list[str], tmp_path: Path) -> None:
    assert len(read(form(*pages, needs_rendering=False), tmp_path)) == len(pages)


def test_filled_in_form_that_needs_rendering_is_read(tmp_path: Path) -> None:
    filled = "\n".join(f"Field {number}: the answer of the applicant." for number in range(12))
    (page,) = read(form(filled, needs_rendering=True), tmp_path)
    assert "Field 11: the answer" in text(page)


def test_scanned_form_that_needs_rendering_is_read(tmp_path: Path) -> None:
    with pymupdf.open(stream=form("", needs_rendering=True), filetype="pdf") as document:
        document[0].insert_image(document[0].rect, stream=paper.encoded(paper.picture()), keep_proportion=False)
        (page,) = read(document.tobytes(), tmp_path)
    assert page.source == "ocr"


def portfolio(files: dict[str, bytes], cover: str = "Open this PDF portfolio in Acrobat") -> bytes:
    with pymupdf.open(stream=paper.pdf(cover), filetype="pdf") as document:
        for name, data in files.items():
            document.embfile_add(name, data)
        document.xref_set_key(document.pdf_catalog(), "Collection", "<</Type/Collection/View/D>>")
        return bytes(document.tobytes())


@pytest.mark.parametrize(
    ("files", "read_from"),
    [
        ({"a.pdf": paper.pdf(TEXT), "b.pdf": paper.pdf("Another")}, "a.pdf"),
        ({"notes.txt": b"Notes", "b.pdf": paper.pdf(TEXT)}, "b.pdf"),
        ({"broken.pdf": b"%PDF-1.7 x", "b.pdf": paper.pdf(TEXT)}, "b.pdf"),
        ({"data.bin": bytes(100), "letter.docx": paper.docx(TEXT)}, "letter.docx"),
        ({"inner.pdf": portfolio({"deep.pdf": paper.pdf(TEXT)})}, "inner.pdf"),
    ],
)
def test_first_document_of_a_portfolio_is_read(files: dict[str, bytes], read_from: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(portfolio(files))
    with open_document(tmp_path / "data", name="mine.pdf") as document:
        assert document.read_from == read_from
        assert text(next(next(document.pages).passes())) == TEXT


def packed_portfolio(files: dict[str, bytes], *, declared: int | None = None) -> bytes:
    """Return a portfolio whose files are compressed, and declare another size if it is given."""
    with pymupdf.open(stream=portfolio(files), filetype="pdf") as document:
        for xref in range(1, document.xref_length()):
            if declared is not None and document.xref_get_key(xref, "Params/Size")[0] == "int":
                document.xref_set_key(xref, "DL", str(declared))
                document.xref_set_key(xref, "Params/Size", str(declared))
        return bytes(document.tobytes(deflate=True))


@pytest.mark.parametrize("declared", [None, 10], ids=["declared size", "wrong size"])
def test_a_file_that_unpacks_to_too_many_bytes_is_skipped(declared: int | None, tmp_path: Path) -> None:
    large = TEXT.encode() + b" Again and again." * (4 * 1024**2)
    data = packed_portfolio({"large.txt": large, "letter.docx": paper.docx(TEXT)}, declared=declared)
    assert len(data) < 1024**2
    (tmp_path / "data").write_bytes(data)
    with open_document(tmp_path / "data", name="mine.pdf") as document:
        assert document.read_from == "letter.docx"


def test_a_wrong_size_of_a_small_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(packed_portfolio({"a.pdf": paper.pdf(TEXT)}, declared=10))
    with open_document(tmp_path / "data", name="mine.pdf") as document:
        assert text(next(next(document.pages).passes())) == TEXT


@pytest.mark.parametrize("files", [{}, {"data.bin": bytes(100)}])
def test_portfolio_of_no_document(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DocumentPlaceholder, match=r"'mine\.pdf' is a PDF portfolio"):
        read(portfolio(files), tmp_path, "mine.pdf")


def test_pdf_with_attachments_is_no_portfolio(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.pdf(TEXT), filetype="pdf") as pdf:
        pdf.embfile_add("a.pdf", paper.pdf("Another"))
        (page,) = read(pdf.tobytes(), tmp_path)
    assert text(page) == TEXT


def encrypted(encryption: bytes) -> bytes:
    """A PDF whose trailer names an encryption; its strings and streams are as they were."""
    data = paper.pdf(TEXT)
    return data.replace(b"trailer\n<<", b"trailer\n<</Encrypt " + encryption).replace(
        b"trailer<<", b"trailer<</Encrypt " + encryption
    )


@pytest.mark.parametrize(
    ("encryption", "how"),
    [
        (b"<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4/Length 128>>", "for a certificate"),
        (b"<</Filter /Entrust.PPKEF /V 4>>", "for a certificate"),
        (b"<</Filter/MicrosoftIRMServices/V 1>>", "by Microsoft rights management"),
    ],
)
def test_encryption_without_a_password(encryption: bytes, how: str, tmp_path: Path) -> None:
    data = encrypted(encryption)
    assert b"/Encrypt" in data
    with pytest.raises(DocumentEncrypted, match=rf"'mine\.pdf' is encrypted {how}"):
        read(data, tmp_path, "mine.pdf")


def test_damaged_pdf_is_still_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(DocumentCorrupt):
        read(b"%PDF-1.7\n/Filter/FlateDecode nothing", tmp_path, "mine.pdf")


def test_wrapper_of_microsofts_protected_file(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.pdf(TEXT), filetype="pdf") as document:
        document.embfile_add("1", b"encrypted", filename="MicrosoftIRMServices Protected PDF.pdf")
        data = document.tobytes()
    with pytest.raises(DocumentEncrypted, match=r"\(IRM\)"):
        read(data, tmp_path, "mine.pdf")


@pytest.mark.parametrize(
    "sentence",
    [
        "If this message is not eventually replaced by the proper contents of the document, update your viewer.",
        "Wenn diese Meldung nicht durch den eigentlichen Inhalt ersetzt wird, erneuern Sie das Programm.",
        "Si ce message n'est pas remplacé par le contenu du document, changez de logiciel.",
    ],
)
def test_printed_page_that_stands_for_a_form(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentPlaceholder, match="XFA"):
        read(paper.pdf(sentence), tmp_path, "mine.pdf")
    (first, _) = read(paper.pdf(sentence, TEXT), tmp_path, "mine.pdf")
    assert sentence.startswith(text(first))


@pytest.mark.parametrize(
    "sentence", ["Get a viewer that can open this protected PDF.", "Diese PDF-Datei ist geschützt."]
)
def test_printed_page_that_stands_for_a_protected_document(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted, match=r"\(IRM\)"):
        read(paper.pdf(sentence), tmp_path, "mine.pdf")


def test_wrapper_of_an_encrypted_payload(tmp_path: Path) -> None:
    with pymupdf.open(stream=portfolio({"payload.pdf": b"encrypted"}), filetype="pdf") as document:
        payload = document.get_new_xref()
        document.update_object(payload, "<</Type/Filespec/F(payload.pdf)>>")
        document.xref_set_key(payload, "AFRelationship", "/EncryptedPayload")
        document.xref_set_key(document.pdf_catalog(), "AF", f"[{payload} 0 R]")
        data = document.tobytes()
    with pytest.raises(DocumentEncrypted, match=r"\(IRM\)"):
        read(data, tmp_path, "mine.pdf")


@pytest.mark.parametrize(
    "data",
    [
        b".pfile\x01\0" + bytes(200),
        ole({"EncryptedPackage": b"x", "\x06DataSpaces/TransformInfo/DRMEncryptedTransform/\x06Primary": b"x"}),
        ole({"\x09DRMContent": b"x", "WordDocument": b"x"}),
    ],
    ids=["pfile", "new Office", "old Office"],
)
def test_rights_management_of_files(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted, match=r"rights management \(IRM\)"):
        read(data, tmp_path)
