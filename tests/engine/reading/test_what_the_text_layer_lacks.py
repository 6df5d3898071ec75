"""Pages whose text layer is not all that they show: OCR reads the rest, or the whole page."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageDraw

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document, page_drawing
from airflow_provider_classify.engine.reading.rendering import render
from airflow_provider_classify.engine.reading.text_quality import amount_of_text
from airflow_provider_classify.exceptions import DocumentNeedsOcr
from tests.support import paper
from tests.support.reading import passes_with_more_text, read, text

STAMP = "Archived on the first day of March by the archive of the town, box 1182, item 4417, page 1 of 1"
INVOICE = [*paper.INVOICE, "Please pay the invoice by bank transfer", "Quantity Description Price", "Bank details"]


def _assert_both(page: Page) -> None:
    assert "archive of the town" in text(page)
    assert "INVOICE 2024-17" in text(page)
    assert "Total amount due" in text(page)


def _scan(page: pymupdf.Page, box: pymupdf.Rect, strips: int = 1) -> None:
    scan = paper.picture(INVOICE)
    height = scan.height // strips
    for strip in range(strips):
        part = scan.crop((0, strip * height, scan.width, (strip + 1) * height))
        top = box.y0 + strip * box.height / strips
        place = pymupdf.Rect(box.x0, top, box.x1, top + box.height / strips)
        page.insert_image(place, stream=paper.encoded(part), keep_proportion=False)


@pytest.mark.parametrize(("y", "strips"), [(20, 1), (420, 25), (830, 8)])
def test_a_scan_below_a_stamp(y: float, strips: int, tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        _scan(page, page.rect, strips)
        page.insert_text((40, y), STAMP, fontsize=8)
        (result,) = read(document.tobytes(), tmp_path)
    _assert_both(result)


@pytest.mark.parametrize("angle", [30, 60])
def test_a_scan_below_a_slanted_watermark(angle: float, tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        _scan(page, page.rect)
        middle = pymupdf.Point(297, 421)
        page.insert_text((80, 421), STAMP, fontsize=10, morph=(middle, pymupdf.Matrix(angle)))
        (result,) = read(document.tobytes(), tmp_path)
    assert "Total amount due" in text(result)


@pytest.mark.parametrize(
    "box", [(60, 150, 440, 690), (150, 60, 590, 600), (40, 300, 300, 600)], ids=["middle", "top", "small"]
)
def test_a_scan_of_a_part_below_a_letterhead(box: tuple[float, ...], tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((60, 50), "The archive of the town, 14 Harbour Road", fontsize=11)
        page.insert_text((60, 800), "registered under number 01234567, telephone 0117 496", fontsize=9)
        _scan(page, pymupdf.Rect(box))
        (result,) = read(document.tobytes(), tmp_path)
    _assert_both(result)


def _outlines(as_one_path: bool) -> bytes:
    """A page of text drawn as shapes, with a footer that is text."""
    with pymupdf.open() as written:
        paper.text_lines(written.new_page(), INVOICE)
        drawing = written[0].get_svg_image(text_as_path=True)
    with pymupdf.open(stream=drawing.encode(), filetype="svg") as drawn:
        data = drawn.convert_to_pdf()
    with pymupdf.open(stream=data, filetype="pdf") as document:
        page = document[0]
        if as_one_path:
            _join_paths(document, page)
        page.insert_text((60, 800), STAMP, fontsize=8)
        return bytes(document.tobytes())


def _join_paths(document: pymupdf.Document, page: pymupdf.Page) -> None:
    """Fill all shapes at once, as some programs do."""
    paths = [item for drawing in page.get_drawings() for item in drawing["items"]]
    page.clean_contents()
    document.update_stream(page.get_contents()[0], b" ")
    shape = page.new_shape()
    for kind, *points in paths:
        if kind == "l":
            shape.draw_line(*points)
        elif kind == "c":
            shape.draw_bezier(*points)
    shape.finish(fill=(0, 0, 0), color=None, even_odd=True)
    shape.commit()


@pytest.mark.parametrize("as_one_path", [False, True])
def test_text_drawn_as_outlines_above_a_footer(as_one_path: bool, tmp_path: Path) -> None:
    (result,) = read(_outlines(as_one_path), tmp_path)
    _assert_both(result)


def _shifted(by: int) -> Callable[[str], str]:
    def change(character: str) -> str:
        for letters in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            if character in letters:
                return letters[(letters.index(character) + by) % len(letters)]
        return character

    return change


def _shuffled(seed: int) -> Callable[[str], str]:
    letters = list(string.ascii_lowercase)
    random.Random(seed).shuffle(letters)
    table = str.maketrans(string.ascii_letters, "".join(letters) + "".join(letters).upper())
    return lambda character: character.translate(table)


@pytest.mark.parametrize(
    "change", [_shifted(1), _shifted(7), _shuffled(3), _shuffled(11)], ids=["by 1", "by 7", "shuffled", "shuffled anew"]
)
def test_letters_that_are_mapped_to_others(change: Callable[[str], str], tmp_path: Path) -> None:
    data = paper.pdf_with_wrong_characters(INVOICE, change)
    (result,) = read(data, tmp_path)
    assert result.source == "ocr"
    assert "Total amount due" in text(result)


def test_words_of_an_unknown_language_that_the_page_shows_are_kept(tmp_path: Path) -> None:
    lines = ["Tlhingan maH taHjaj", "bortaS bIr jablu qaq", "Heghlu meH QaQ jajvam", "jIyajbe nuqneH qapla"]
    data = paper.pdf_with_wrong_characters(lines, lambda character: character)
    (result,) = read(data, tmp_path)
    assert (result.source, [line.text for line in result.lines]) == ("text_layer", lines)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_letterspaced_words_are_put_together(rotation: int, tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        paper.text_lines(page, [" ".join(line.replace(" ", "  ")) for line in INVOICE], size=9)
        page.set_rotation(rotation)
        (result,) = read(document.tobytes(), tmp_path)
    assert [line.text for line in result.lines] == INVOICE


def test_letters_that_are_placed_one_by_one_are_put_together(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        for row, line in enumerate(INVOICE):
            x = 72.0
            for letter in line:
                page.insert_text((x, 80 + 24 * row), letter, fontsize=10)
                x += pymupdf.get_text_length(letter, fontsize=10) + 3.5
        (result,) = read(document.tobytes(), tmp_path)
    words = text(result).split()
    assert {"INVOICE", "Total", "amount", "business"} <= set(words)


def test_a_picture_behind_text_costs_no_ocr(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        shade = Image.linear_gradient("L").resize((600, 800))
        page.insert_image(page.rect, stream=paper.encoded(shade), keep_proportion=False)
        paper.text_lines(page, ["A slide with a shaded ground behind its few words", "and no others"])
        assert [page.source for page in _passes(document.tobytes(), tmp_path)] == ["text_layer"]


def test_a_page_with_enough_text_is_read_first_and_its_picture_then(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        paper.text_lines(page, [f"{STAMP} and so on" for _ in range(8)], top=300, size=11)
        _scan(page, pymupdf.Rect(350, 20, 580, 280))
        first, *_, last = _passes(document.tobytes(), tmp_path)
    assert "INVOICE" not in text(first)
    assert len(last.lines) > len(first.lines)
    _assert_both(last)
    assert last.source == "text_layer"


def test_a_scan_beside_long_text_is_read_if_the_text_is_not_enough(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        paper.text_lines(page, [f"{STAMP} and so on" for _ in range(22)], top=300, size=11)
        _scan(page, pymupdf.Rect(300, 15, 590, 290))
        first, *_, last = _passes(document.tobytes(), tmp_path)
    assert amount_of_text(first) > 2000
    assert "INVOICE" not in text(first)
    _assert_both(last)


def test_a_photograph_beside_long_text_costs_no_ocr(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        paper.text_lines(page, [f"{STAMP} and so on" for _ in range(22)], top=300, size=11)
        photograph = Image.effect_noise((600, 600), 90).convert("RGB")
        ImageDraw.Draw(photograph).ellipse((100, 50, 500, 350), fill="navy")
        page.insert_image(pymupdf.Rect(300, 15, 590, 290), stream=paper.encoded(photograph))
        assert len(_passes(document.tobytes(), tmp_path)) == 1


def test_a_scan_on_its_side_below_a_stamp(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page(width=842, height=595)
        scan = paper.picture(INVOICE).rotate(90, expand=True)
        page.insert_image(page.rect, stream=paper.encoded(scan), keep_proportion=False)
        page.insert_text((40, 580), STAMP, fontsize=8)
        (result,) = read(document.tobytes(), tmp_path)
    assert result.height > result.width
    _assert_both(result)
    stamp = next(line for line in result.lines if "archive of the town" in line.text)
    assert stamp.x1 < 0.1


def test_ocr_always_reads_the_page_and_never_reads_no_picture(tmp_path: Path) -> None:
    written = paper.pdf(" ".join(INVOICE[:3]))
    assert [page.source for page in read(written, tmp_path)] == ["text_layer"]
    assert [page.source for page in read(written, tmp_path, ocr="always")] == ["ocr"]
    stamped = paper.scanned_pdf(paper.picture(), STAMP)
    (result,) = read(stamped, tmp_path, ocr="never")
    assert (result.source, text(result)) == ("text_layer", STAMP)


@pytest.mark.parametrize("data", [paper.scanned_pdf(paper.picture()), paper.encoded(paper.picture())])
def test_a_picture_without_ocr_has_its_error(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DocumentNeedsOcr, match=r"'mine\.pdf'.*set ocr to auto"):
        read(data, tmp_path, "mine.pdf", ocr="never")


def test_a_blank_page_is_blank_in_each_mode(tmp_path: Path) -> None:
    for mode in ("auto", "always", "never"):
        (page,) = read(paper.pdf(""), tmp_path, ocr=mode)
        assert page.is_blank


def _photograph_beside_text() -> bytes:
    photograph = Image.effect_noise((600, 400), 90).convert("RGB")
    ImageDraw.Draw(photograph).ellipse((100, 50, 500, 350), fill="navy")
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_image(pymupdf.Rect(50, 300, 550, 640), stream=paper.encoded(photograph))
        paper.text_lines(page, ["A view of the harbour in the morning, with some of the boats"])
        return bytes(document.tobytes())


def test_a_photograph_without_text_beside_text(tmp_path: Path) -> None:
    (result,) = read(_photograph_beside_text(), tmp_path)
    assert result.source == "text_layer"
    assert text(result).splitlines()[0].startswith("A view of the harbour")


def test_a_page_that_is_searched_for_letters_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def counted(page: pymupdf.Page, clip: pymupdf.Rect, zoom_x: float, zoom_y: float) -> pymupdf.Pixmap:
        drawn.append(zoom_x)
        return render(page, clip, zoom_x, zoom_y)

    (tmp_path / "page.pdf").write_bytes(_photograph_beside_text())
    with pymupdf.open(tmp_path / "page.pdf") as document:
        small = page_drawing.with_look(document[0], Page(1, 595, 842, (), "text_layer"))
    monkeypatch.setattr(page_drawing, "render", counted)
    with open_document(tmp_path / "page.pdf", name="page.pdf", threads=1) as opened:
        (reading,) = opened.pages
        *_, last = reading.passes()
    assert len(drawn) == 1
    # The picture of the look is reduced from the drawing, and nearly the same as a drawing of that size.
    assert last.look is not None
    assert small.look is not None
    assert np.abs(np.array(last.look) - np.array(small.look)).mean() < 0.05


def _passes(data: bytes, folder: Path) -> list[Page]:
    (folder / "data").write_bytes(data)
    with open_document(folder / "data", name="page.pdf", threads=1) as document:
        (reading,) = document.pages
        return passes_with_more_text(reading)
