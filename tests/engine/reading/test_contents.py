"""What the pages of a document show, as text or as pictures."""

from __future__ import annotations

import base64
from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.options import OCR_MODES, EngineOptions, OcrMode
from airflow_provider_classify.engine.page_contents import DocumentContent, PageForm
from airflow_provider_classify.engine.reading.contents import read_contents
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentNeedsOcr
from tests.support.documents import write_corrupt_pdf, write_mail_with_invoice, write_pdf
from tests.support.paper import docx, encoded, pdf, picture, pptx, scanned_pdf


def contents(
    data: bytes,
    folder: Path,
    name: str = "a.pdf",
    form: PageForm = "auto",
    max_pages: int = 4,
    side: int = 600,
    ocr: OcrMode = "auto",
) -> DocumentContent:
    path = folder / name
    path.write_bytes(data)
    options = EngineOptions(max_pages=max_pages, ocr=ocr)
    return read_contents(path, name=name, form=form, longest_side=side, options=options)


def size_of(jpeg: str | None) -> tuple[int, int]:
    pixels = pymupdf.Pixmap(base64.b64decode(jpeg or ""))
    return pixels.width, pixels.height


TEXT = "Dear Mrs. Brown, thank you for your letter of 3 May. Your invoice is attached to this letter."


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", pdf(TEXT)),
        ("a.docx", docx(TEXT)),
        ("a.pptx", pptx([TEXT])),
        ("a.txt", TEXT.encode()),
        ("a.html", f"<html><body><p>{TEXT}</p></body></html>".encode()),
        ("a.eml", f"From: a@example.com\nTo: b@example.com\nSubject: Hello\n\n{TEXT}\n".encode()),
        ("a.rtf", rf"{{\rtf1\ansi {TEXT}}}".encode()),
        ("a.xml", f"<?xml version='1.0'?><letter><text>{TEXT}</text></letter>".encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("form", ["auto", "text", "images", "both"])
def test_each_format_gives_its_text_or_a_picture(name: str, data: bytes, form: PageForm, tmp_path: Path) -> None:
    [page] = contents(data, tmp_path, name, form).filled
    is_drawn = form in ("images", "both") and not name.endswith((".txt", ".eml", ".rtf", ".xml"))
    assert (page.picture is not None) == is_drawn
    assert ("Brown" in page.text.replace("\n", " ")) == (form != "images" or not is_drawn)


def test_a_scan_is_a_picture_and_a_text_layer_is_text(tmp_path: Path) -> None:
    [scan] = contents(scanned_pdf(picture()), tmp_path).filled
    assert (scan.text, scan.picture is None) == ("", False)
    [text] = contents(write_pdf(tmp_path / "b.pdf").read_bytes(), tmp_path).filled
    assert ("2026-0417" in text.text, text.picture) == (True, None)


def test_a_scan_with_a_stamp_as_its_text_layer_is_a_picture(tmp_path: Path) -> None:
    [page] = contents(
        scanned_pdf(picture(), stamp="Received on 14 September 2026 by the post office of the town"), tmp_path
    ).filled
    assert page.picture is not None


def test_as_text_a_scan_is_read_by_ocr(tmp_path: Path) -> None:
    [page] = contents(scanned_pdf(picture()), tmp_path, form="text").filled
    assert page.picture is None
    assert "invoice" in page.text.lower()


@pytest.mark.parametrize(("name", "data"), [("a.pdf", scanned_pdf(picture())), ("a.png", encoded(picture()))])
def test_as_text_a_scan_is_not_read_if_ocr_is_never_used(name: str, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DocumentNeedsOcr):
        contents(data, tmp_path, name, form="text", ocr="never")
    [page] = contents(data, tmp_path, name, form="auto", ocr="never").filled
    assert (page.text, page.picture is None) == ("", False)


def test_as_text_a_scan_with_an_earlier_ocr_is_read_again_if_ocr_is_always_used(tmp_path: Path) -> None:
    with pymupdf.open(stream=scanned_pdf(picture()), filetype="pdf") as document:
        document[0].insert_textbox((50, 100, 550, 800), TEXT * 5, render_mode=3)
        data = document.tobytes()
    texts = [contents(data, tmp_path, form="text", ocr=ocr).filled[0].text for ocr in OCR_MODES]
    assert [("Brown" in text, "INVOICE 2024" in text) for text in texts] == [
        (True, False),
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize("side", [200, 700, 10_000])
def test_a_picture_is_at_most_as_large_as_asked_for(side: int, tmp_path: Path) -> None:
    [page] = contents(encoded(picture(size=(800, 1000))), tmp_path, "a.png", side=side).filled
    assert max(size_of(page.picture)) == min(side, 1000)


def test_blank_pages_are_marked_and_do_not_count(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        document.new_page()
        for number in (1, 2, 3):
            document.new_page().insert_textbox((50, 50, 550, 800), f"{TEXT} This is the sheet {number}.")
        data = document.tobytes()
    found = contents(data, tmp_path, max_pages=2)
    assert [(page.number, page.is_blank) for page in found.pages] == [(1, True), (2, False), (3, False)]


def test_an_image_and_a_frame_of_a_tiff(tmp_path: Path) -> None:
    assert contents(encoded(picture()), tmp_path, "a.png").is_image
    frames = encoded(picture(), "TIFF", save_all=True, append_images=[picture(["LETTER", "Dear Ann"])])
    found = contents(frames, tmp_path, "a.tiff")
    assert (found.is_image, len(found.filled)) == (False, 2)


def test_a_mail_with_little_text_gives_its_attachment(tmp_path: Path) -> None:
    short = write_mail_with_invoice(tmp_path / "m.eml").read_bytes()
    found = contents(short, tmp_path, "a.eml")
    assert (found.read_from, "2026-0417" in found.filled[0].text) == ("invoice.pdf", True)
    words = b"We spoke about it on the phone and you said that it would be all right for you. " * 20
    long = contents(short.replace(b"Best wishes", words + b"\nBest wishes"), tmp_path, "a.eml")
    assert (long.read_from, "on the phone" in long.filled[0].text) == (None, True)


def test_a_document_that_cannot_be_read_has_its_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentCorrupt):
        contents(write_corrupt_pdf(tmp_path / "b.pdf").read_bytes(), tmp_path)


def test_a_content_survives_the_pipe_of_the_child_process(tmp_path: Path) -> None:
    found = contents(scanned_pdf(picture()), tmp_path)
    assert DocumentContent.from_json(found.to_json()) == found
