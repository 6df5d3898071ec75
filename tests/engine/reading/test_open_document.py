"""Documents of every format become pages with the text where it is."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from airflow_provider_classify.engine.reading import open_document
from tests.support import paper
from tests.support.reading import read, text

AGREEMENT = "This agreement is made between the parties named below."


def test_pdf_lines_have_text_size_and_place(tmp_path: Path) -> None:
    (page,) = read(paper.pdf(AGREEMENT), tmp_path)
    (line,) = page.lines
    assert line.text == AGREEMENT
    assert line.size == pytest.approx(12)
    assert (line.x0, line.y1) == (pytest.approx(72 / 595, abs=0.01), pytest.approx(76 / 842, abs=0.01))
    assert (page.number, page.width, page.height, page.source) == (1, 595, 842, "text_layer")


def test_rotated_pdf_page_is_read_as_it_is_seen(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.pdf(AGREEMENT), filetype="pdf") as document:
        document[0].set_rotation(180)
        (page,) = read(document.tobytes(), tmp_path)
    (line,) = page.lines
    assert line.y0 > 0.9
    assert line.x1 > 0.85


def test_only_the_first_pages_are_touched(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(paper.pdf(*[f"{AGREEMENT} {number}" for number in range(1, 8)]))
    with open_document(path, name="long.pdf", max_pages=2) as document:
        assert document.page_count == 7
        assert [page.number for page in document.pages] == [1, 2]


def test_scanned_pdf_is_read_by_ocr(tmp_path: Path) -> None:
    (page,) = read(paper.scanned_pdf(paper.picture()), tmp_path)
    assert page.source == "ocr"
    assert page.lines[0].text == "INVOICE 2024-17"


@pytest.mark.parametrize("rotation", [0, 180])
def test_stamp_on_a_scan_does_not_pass_for_its_text(rotation: int, tmp_path: Path) -> None:
    stamp = "Downloaded from an archive on the first day of the year"
    with pymupdf.open(stream=paper.scanned_pdf(paper.picture(), stamp), filetype="pdf") as document:
        document[0].set_rotation(rotation)
        (page,) = read(document.tobytes(), tmp_path)
    assert page.source == "ocr"
    assert "Total amount due" in text(page)


def test_text_over_a_picture_is_read_with_what_that_shows(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.scanned_pdf(paper.picture()), filetype="pdf") as document:
        document[0].insert_text((72, 400), "A slide whose title stands before a photograph", fontsize=20)
        (page,) = read(document.tobytes(), tmp_path)
    assert "A slide whose title stands before a photograph" in text(page)
    assert "Total amount due" in text(page)


def test_blank_page_has_no_lines(tmp_path: Path) -> None:
    (page,) = read(paper.pdf(""), tmp_path)
    assert page.lines == ()


def test_page_of_14400_points_is_rendered_small(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        document.new_page(width=14400, height=14400).insert_text((2000, 2000), "INVOICE", fontsize=900)
        (page,) = read(document.tobytes(), tmp_path, ocr="always")
    assert text(page) == "INVOICE"
    assert page.width <= 1400


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_image_formats(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(paper.encoded(paper.picture(), kind))
    with open_document(path, name="document.pdf", threads=1) as document:
        assert document.is_image
        (page,) = (list(page.passes())[-1] for page in document.pages)
    assert [line.text for line in page.lines] == list(paper.INVOICE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "F"])
def test_image_modes(mode: str, tmp_path: Path) -> None:
    grey = paper.picture().convert("L")
    image = grey.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else grey.convert(mode)
    (page,) = read(paper.encoded(image, "TIFF" if mode == "F" else "PNG"), tmp_path)
    assert "Total amount due" in text(page)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    (page,) = read(paper.encoded(paper.picture().convert("CMYK"), "JPEG"), tmp_path)
    assert "Total amount due" in text(page)


def test_transparent_image_is_on_white_paper(tmp_path: Path) -> None:
    ink = Image.new("RGBA", (800, 1000), (0, 0, 0, 0))
    ink.paste("black", mask=paper.picture().convert("L").point(lambda value: 255 - value))
    (page,) = read(paper.encoded(ink), tmp_path)
    assert "INVOICE 2024-17" in text(page)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_obeyed(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    (page,) = read(paper.encoded(paper.picture().rotate(90, expand=True), kind, exif=exif), tmp_path)
    assert (page.width, page.height) == (800, 1000)
    assert page.lines[0].text == "INVOICE 2024-17"


@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
def test_each_frame_is_a_page(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    frames = [paper.picture([word] * 4) for word in ("Memo", "Letter", "Recipe")]
    path.write_bytes(paper.encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    with open_document(path, name="frames", max_pages=2, threads=1) as document:
        assert not document.is_image
        assert document.page_count == 3
        pages = [list(page.passes())[-1] for page in document.pages]
    assert [page.lines[0].text for page in pages] == ["Memo", "Letter"]


def test_large_image_is_shrunk(tmp_path: Path) -> None:
    image = paper.picture().resize((4000, 5000))
    (page,) = read(paper.encoded(image, "JPEG"), tmp_path)
    assert max(page.width, page.height) <= 1400
    assert "Total amount due" in text(page)


def test_docx(tmp_path: Path) -> None:
    (page,) = read(paper.docx("Employment contract", AGREEMENT), tmp_path)
    assert text(page).splitlines()[0] == "Employment contract"
    assert page.source == "text_layer"


def test_each_slide_of_a_pptx_is_a_page_of_its_shape(tmp_path: Path) -> None:
    first, second = read(paper.pptx(["Roadmap of the coming year", "First point"], ["Second slide"]), tmp_path)
    assert "First point" in text(first)
    assert text(second) == "Second slide"
    assert [first.number, second.number] == [1, 2]
    assert first.width > first.height


def test_html_runs_and_fetches_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("password")
    html = (
        "<!DOCTYPE html><html><head><script>document.write('scripted')</script></head><body><h1>Invoice 7</h1>"
        "<p>The total amount is 42 and is due within thirty days.</p>"
        "<img src='http://127.0.0.1:9/pixel.png'><object data='secret.txt'></object></body></html>"
    )
    (page,) = read(html.encode(), tmp_path)
    assert page.lines[0].text == "Invoice 7"
    assert page.lines[0].size > page.lines[1].size
    assert "scripted" not in text(page)
    assert "password" not in text(page)
