from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from PIL import Image
from samples import SAMPLES, draw_samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "made" / "on the way"
    draw_samples(folder)
    return folder


def text_of(path: Path) -> str:
    with pymupdf.open(path) as document:
        return "\n".join(page.get_text() for page in document.pages())


def test_every_sample_is_drawn_and_returned_in_order(tmp_path: Path) -> None:
    paths = draw_samples(tmp_path)
    assert paths == [tmp_path / name for name in SAMPLES]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SAMPLES)


def test_each_sample_is_of_a_category_of_its_own() -> None:
    assert sorted(SAMPLES.values()) == ["bank_statement", "contract", "invoice", "letter", "receipt", "resume"]


def test_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    for path in draw_samples(tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_they_are_small_enough_to_hand_around(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("invoice.pdf", ["INVOICE", "LJ-2026-0417", "€ 12,788.30", "IE97 LKBK 9001 7112 3456 78"]),
        ("letter.pdf", ["Dear Mrs Trevanion,", "pilot’s logbooks", "Yours sincerely,"]),
        ("resume.pdf", ["Lenka Horák", "Work experience", "Education"]),
    ],
)
def test_born_digital_samples_are_one_page_with_a_text_layer(folder: Path, name: str, words: list[str]) -> None:
    text = text_of(folder / name)
    assert [word for word in words if word not in text] == []
    with pymupdf.open(folder / name) as document:
        assert document.page_count == 1
        assert document[0].get_images() == []


def test_text_stays_on_the_page(folder: Path) -> None:
    for name in ("invoice.pdf", "letter.pdf", "resume.pdf"):
        with pymupdf.open(folder / name) as document:
            page = document[0]
            words = page.get_text("words", clip=pymupdf.INFINITE_RECT())
            outside = [word[4] for word in words if pymupdf.Rect(word[:4]) not in page.rect]
        assert outside == [], name


def test_the_contract_is_a_scan_without_text_layer(folder: Path) -> None:
    assert text_of(folder / "contract.pdf").strip() == ""
    with pymupdf.open(folder / "contract.pdf") as document:
        assert document.page_count == 2
        for page in document.pages():
            (xref,) = (image[0] for image in page.get_images())
            image = document.extract_image(xref)
            assert (image["ext"], image["colorspace"], image["width"], image["height"]) == ("jpeg", 1, 1240, 1755)
            (place,) = page.get_image_rects(xref)
            assert abs(place - page.rect) < 1


def test_the_receipt_is_a_colour_photo_with_a_table_around_the_paper(folder: Path) -> None:
    with Image.open(folder / "receipt.jpg") as photo:
        assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (1200, 1800))
        corners = [photo.getpixel((x, y)) for x in (20, 1179) for y in (20, 1779)]
        middle = photo.resize((1, 1), box=(500, 800, 700, 1000)).getpixel((0, 0))
    for red, green, blue in corners:
        assert red > green > blue
        assert (red + green + blue) < sum(middle) / 2


def test_the_bank_statement_is_an_image(folder: Path) -> None:
    with Image.open(folder / "bank_statement.png") as image:
        assert (image.format, image.size) == ("PNG", (1240, 1755))
