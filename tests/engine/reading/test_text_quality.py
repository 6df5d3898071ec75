"""Text layers that are worth reading, and those that are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.text_quality import has_same_words, is_legible
from tests.support import paper
from tests.support.documents import write_pdf
from tests.support.pages import page_of
from tests.support.reading import passes_with_more_text, read


@pytest.mark.parametrize(
    "text",
    [
        "Dear Ann, the 3 rooms cost €1,200.50 (net), don't they? Yours, Ben",
        "Técnico-comercial: «Año 2020», 12/05, n'est-ce pas?",
        "Стороны договорились о цене 12%",
    ],
)
def test_words_and_numbers_are_legible(text: str) -> None:
    assert is_legible(page_of(text))


def test_what_bad_recognition_leaves_is_not() -> None:
    assert not is_legible(page_of(".1/1.e_atinc24451a.y, 0-e-el-k- .A.:01.6e.e. tet:A•44 WI.GL,41.44-gta*Air. ciA#"))


@pytest.mark.parametrize("is_below", [True, False])
def test_what_another_ocr_read_comes_first_and_then_the_scan_itself(is_below: bool, tmp_path: Path) -> None:
    earlier = "Bi11 to Exarnple, thank y o u for your busincss"
    passes = _passes(_scan_with_text(earlier, is_below=is_below), tmp_path)
    assert [page.source for page in passes] == ["text_layer", "ocr"]
    assert [passes[0].lines[0].text, passes[1].lines[0].text] == [earlier, paper.INVOICE[0]]


def test_text_that_is_printed_on_a_picture_is_all_there_is(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_image(page.rect, stream=paper.encoded(paper.picture([])))
        page.insert_text((72, 400), "A slide with a picture behind its words, all of them visible")
        assert [page.source for page in _passes(document.tobytes(), tmp_path)] == ["text_layer"]


def test_what_is_in_a_script_that_ocr_does_not_know_is_not_read_again(tmp_path: Path) -> None:
    russian = "Договор поставки заключили стороны о нижеследующем"
    (page,) = _passes(_scan_with_text(russian, is_below=False), tmp_path)
    assert (page.source, page.lines[0].text) == ("text_layer", russian)


def _scan_with_text(words: str, *, is_below: bool) -> bytes:
    """A scan with what another program read: hidden below the picture, or invisible above it."""
    font = pymupdf.Font("helv")
    with pymupdf.open() as document:
        page = document.new_page()
        writer = pymupdf.TextWriter(page.rect)
        writer.append((72, 400), words, font=font)
        writer.write_text(page, render_mode=0 if is_below else 3)
        page.insert_image(page.rect, stream=paper.encoded(paper.picture()))
        return bytes(document.tobytes())


def _passes(data: bytes, folder: Path) -> list[Page]:
    (folder / "data").write_bytes(data)
    with open_document(folder / "data", name="scan.pdf", threads=1) as document:
        (reading,) = document.pages
        return passes_with_more_text(reading)


def test_words_that_a_file_places_one_by_one_become_lines(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        x = 72.0
        for word in ("Statement", "of", "account", "for", "May", "and", "June", "of", "this", "year"):
            page.insert_text((x, 100), word)
            x += pymupdf.get_text_length(word) + 3
        page.insert_text((450, 100), "1,204.50")
        content = document.tobytes()
    (read_page,) = read(content, tmp_path)
    assert [line.text for line in read_page.lines] == [
        "Statement of account for May and June of this year",
        "1,204.50",
    ]
    (statement, amount) = read_page.lines
    assert statement.x1 < amount.x0


@pytest.mark.parametrize(
    ("lines", "same"), [(("of a page", "A short title"), True), (("A short tide", "of a page"), False), ((), False)]
)
def test_ocr_that_reads_the_same_words(lines: tuple[str, ...], same: bool) -> None:
    assert has_same_words(page_of("A short title of a page"), page_of(*lines)) is same


def test_ocr_that_has_not_read_all_lines_does_not_confirm_the_text_layer() -> None:
    layer, read_by_ocr = page_of("A short title"), page_of("A short title", source="ocr")
    assert has_same_words(layer, read_by_ocr)
    for in_part in (replace(read_by_ocr, is_of_unknown_script=True), replace(read_by_ocr, unread=read_by_ocr.lines)):
        assert not has_same_words(layer, in_part)


def test_the_text_layer_is_kept_if_ocr_reads_the_same_words(tmp_path: Path) -> None:
    [page] = read(write_pdf(tmp_path / "a.pdf", "SERVICE AGREEMENT").read_bytes(), tmp_path)
    assert (page.source, [line.text for line in page.lines]) == ("text_layer", ["SERVICE AGREEMENT"])
    assert page.look
