"""Images that a person reads at a glance: long, small in a photograph, transparent, cut short, or from a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.images import open_image
from airflow_provider_classify.exceptions import DocumentCorrupt
from tests.support import paper
from tests.support.reading import read, text

HEIC = Path(__file__).parents[1] / "data/invoice.heic"


def _print(lines: list[str], size: tuple[int, int], font: int, step: int) -> Image.Image:
    image = Image.new("L", size, "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((20, 20 + step * row), line, fill="black", font=ImageFont.load_default(font))
    return image


def _till_roll(width: int, items: int) -> Image.Image:
    lines = ["CORNER SHOP", "RECEIPT", *[f"Item {n} groceries 1.25" for n in range(items)], "Total amount", "Thank you"]
    return _print(lines, (width, 60 + 40 * len(lines)), 26, 40)


@pytest.mark.parametrize(("width", "items"), [(400, 60), (1080, 150)])
def test_a_long_picture_is_read_from_its_head_to_its_foot(width: int, items: int, tmp_path: Path) -> None:
    (page,) = read(paper.encoded(_till_roll(width, items)), tmp_path)
    lines = text(page).splitlines()
    assert lines[:2] == ["CORNER SHOP", "RECEIPT"]
    assert lines[-1] == "Thank you"
    assert len(set(lines)) == len(lines)
    assert [line.y0 for line in page.lines] == sorted(line.y0 for line in page.lines)


def test_a_long_picture_on_its_side(tmp_path: Path) -> None:
    (page,) = read(paper.encoded(_till_roll(500, 60).rotate(90, expand=True)), tmp_path)
    assert page.height > 5 * page.width
    lines = text(page).splitlines()
    assert (lines[0], lines[-1]) == ("CORNER SHOP", "Thank you")


@pytest.mark.parametrize(("place", "ground"), [((1200, 1500), 120), ((60, 80), 40), ((2380, 3000), 205)])
def test_a_small_receipt_in_a_large_photograph(place: tuple[int, int], ground: int, tmp_path: Path) -> None:
    receipt = _till_roll(500, 14)
    photograph = Image.new("L", (3000, 4000), ground)
    photograph.paste(receipt, place)
    (page,) = read(paper.encoded(photograph, "JPEG"), tmp_path)
    assert {"CORNER SHOP", "RECEIPT", "Item 7 groceries 1.25", "Total amount"} <= set(text(page).splitlines())
    assert page.height > page.width
    _assert_shop_stands_at((place[0] + 20) / 3000, (place[1] + 20) / 4000, page)


@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
def test_a_small_receipt_in_a_photograph_of_each_orientation(orientation: int, tmp_path: Path) -> None:
    photograph = Image.new("L", (3000, 2000), 90)
    photograph.paste(_till_roll(400, 12), (300, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = _undone(photograph, orientation)
    (page,) = read(paper.encoded(turned, "JPEG", exif=exif), tmp_path)
    assert {"CORNER SHOP", "Total amount"} <= set(text(page).splitlines())
    _assert_shop_stands_at((300 + 20) / 3000, (200 + 20) / 2000, page)


def _assert_shop_stands_at(x: float, y: float, page: Page) -> None:
    """The place of the first line is the one on the whole photograph, whichever part of that was read."""
    (shop,) = (line for line in page.lines if line.text == "CORNER SHOP")
    place = page.place(shop)
    assert (place.x0, place.y0) == (pytest.approx(x, abs=0.01), pytest.approx(y, abs=0.01))
    assert place.y1 - place.y0 < 0.03


def _undone(image: Image.Image, orientation: int) -> Image.Image:
    """The image as a camera stores it that says to turn it so."""
    for method in [None, *Image.Transpose]:
        stored = image if method is None else image.transpose(method)
        stored.getexif()[0x0112] = orientation
        if ImageOps.exif_transpose(stored).tobytes() == image.tobytes():
            stored.getexif().clear()
            return stored
    raise AssertionError(orientation)


def test_a_small_receipt_on_white_ground(tmp_path: Path) -> None:
    photograph = Image.new("L", (3000, 4000), 255)
    photograph.paste(_till_roll(500, 14), (1200, 1500))
    (page,) = read(paper.encoded(photograph), tmp_path)
    assert {"CORNER SHOP", "RECEIPT", "Total amount"} <= set(text(page).splitlines())


def test_a_photographed_receipt_in_a_pdf(tmp_path: Path) -> None:
    photograph = Image.new("RGB", (3000, 4000), (90, 60, 40))
    photograph.paste(_till_roll(500, 14).convert("RGB"), (1200, 1500))
    (page,) = read(paper.scanned_pdf(photograph), tmp_path)
    assert {"CORNER SHOP", "RECEIPT", "Total amount"} <= set(text(page).splitlines())
    _assert_shop_stands_at((1200 + 20) / 3000, (1500 + 20) / 4000, page)


@pytest.mark.parametrize(("ink", "mode"), [("white", "RGBA"), ("#ffe0a0", "P"), ("black", "LA"), ("#808080", "RGBA")])
def test_ink_of_each_colour_on_a_transparent_ground(ink: str, mode: str, tmp_path: Path) -> None:
    sheet = paper.picture().convert("L").point(lambda value: 255 - value)
    image = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
    image.paste(ink, mask=sheet)
    (page,) = read(paper.encoded(image.convert(mode)), tmp_path)
    assert "INVOICE 2024-17" in text(page)


def _full_page() -> Image.Image:
    return paper.picture([f"{line} {n}" for n in range(4) for line in paper.INVOICE][:11])


@pytest.mark.parametrize(("share", "progressive"), [(0.99, False), (0.95, True), (0.8, False), (0.8, True)])
def test_a_jpeg_that_is_cut_near_its_end_is_read(share: float, progressive: bool, tmp_path: Path) -> None:
    data = paper.encoded(_full_page(), "JPEG", progressive=progressive)
    (page,) = read(data[: int(share * len(data))], tmp_path)
    assert "INVOICE 2024-17 0" in text(page)


@pytest.mark.parametrize("share", [0.3, 0.05])
def test_a_jpeg_of_which_less_than_half_is_there_is_damaged(share: float, tmp_path: Path) -> None:
    data = paper.encoded(_full_page(), "JPEG")
    with pytest.raises(DocumentCorrupt, match=r"'mine\.pdf' is damaged or incomplete"):
        read(data[: int(share * len(data))], tmp_path, "mine.pdf")


def test_heic() -> None:
    with open_image(Source("photo.heic", HEIC), ReadingOptions(max_pages=1, threads=1)) as document:
        (page,) = (list(reading.passes())[-1] for reading in document.pages)
    assert [line.text for line in page.lines] == list(paper.INVOICE)


def test_a_cut_heic_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(HEIC.read_bytes()[:5000])
    with (
        pytest.raises(DocumentCorrupt, match=r"'photo\.heic'"),
        open_image(Source("photo.heic", tmp_path / "cut"), ReadingOptions(max_pages=1, threads=1)) as document,
    ):
        next(next(document.pages).passes())
