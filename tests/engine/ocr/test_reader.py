"""OCR with the real models: which lines first, in how many passes, whichever way the page lies."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.ocr import Picture, models, shared_reader
from airflow_provider_classify.engine.ocr.line_order import PASSES, most_useful_first
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import ExtraNotInstalled
from tests.support import paper
from tests.support.documents import write_pdf


def _picture(image: Image.Image) -> Picture:
    return Picture.from_rgb(image.convert("RGB").tobytes(), width=image.width, height=image.height)


def _passes(image: Image.Image) -> list[Page]:
    return list(shared_reader(1).passes(_picture(image), 1))


def test_lines_have_text_size_and_place() -> None:
    (page,) = _passes(paper.picture())
    assert [line.text for line in page.lines] == list(paper.INVOICE)
    first = page.lines[0]
    assert (first.x0, first.y0) == (pytest.approx(60 / 800, abs=0.02), pytest.approx(65 / 1000, abs=0.02))
    assert 25 < first.size < 60
    assert (page.width, page.height, page.source) == (800, 1000, "ocr")


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_page_on_its_side_or_head(degrees: int) -> None:
    (page,) = _passes(paper.picture().rotate(degrees, expand=True))
    assert [line.text for line in page.lines] == list(paper.INVOICE)
    assert (page.width, page.height) == (800, 1000)
    assert page.lines[0].x0 == pytest.approx(60 / 800, abs=0.03)
    place = page.place(page.lines[0])
    corner = (place.x0, place.y0)
    expected = {90: (70 / 1000, 425 / 800), 180: (425 / 800, 900 / 1000), 270: (900 / 1000, 60 / 800)}
    assert corner == pytest.approx(expected[degrees], abs=0.04)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_title_on_its_side_or_head_whatever_is_stamped_on_it(degrees: int) -> None:
    title = paper.picture(["", "", "RIVER BOATS OF THE NORTH", "", "A LECTURE"]).rotate(degrees, expand=True)
    ImageDraw.Draw(title).text((20, 20), "70318842", fill="black", font=ImageFont.load_default(25))
    (page,) = _passes(title)
    assert {"RIVER BOATS OF THE NORTH", "A LECTURE"} <= {line.text for line in page.lines}


def test_how_well_a_page_is_read() -> None:
    sharp, blurred = paper.picture(), paper.picture().filter(ImageFilter.GaussianBlur(8))
    assert _passes(sharp)[-1].legibility > 0.95 > _passes(blurred)[-1].legibility + 0.1


def test_each_pass_adds_lines_and_keeps_the_others() -> None:
    words = ["amount", "address", "number", "payment", "customer"]
    passes = _passes(paper.picture([f"{words[n % 5]} {n}" for n in range(24)], size=(800, 2000)))
    assert [len(page.lines) for page in passes] == [PASSES[0], PASSES[1], 24]
    for fewer, more in itertools.pairwise(passes):
        assert set(fewer.lines) < set(more.lines)
    assert [line.y0 for line in passes[-1].lines] == sorted(line.y0 for line in passes[-1].lines)


def test_page_of_many_lines_ends_with_its_budget() -> None:
    *_, last = _passes(paper.picture(["word"] * 60, size=(800, 5000)).resize((800, 1400)))
    assert len(last.lines) == PASSES[-1]


def test_picture_without_text_has_no_lines() -> None:
    gradient = Image.linear_gradient("L").resize((400, 400))
    assert [page.lines for page in _passes(gradient)] == [()]


def test_blank() -> None:
    assert _picture(Image.new("RGB", (300, 300), "ivory")).is_blank()
    assert not _picture(paper.picture(["one line"])).is_blank()


def test_rows_may_be_padded() -> None:
    picture = Picture.from_rgb(bytes([1, 2, 3, 0, 4, 5, 6, 0]), width=1, height=2, stride=4)
    assert picture.pixels.tolist() == [[[3, 2, 1]], [[6, 5, 4]]]


def test_every_line_is_ordered_once() -> None:
    order = most_useful_first([10.0] * 100, [n / 100 for n in range(100)], [0.5] * 100)
    assert sorted(order) == list(range(100))


def test_title_comes_first_and_the_foot_among_the_first() -> None:
    sizes = [10.0] * 60
    sizes[5] = 30.0
    order = most_useful_first(sizes, [n / 60 for n in range(60)], [0.5] * 60)
    assert order[0] == 5
    assert 59 in order[:3]
    assert {0, 1, 2} <= set(order[: PASSES[1]])


def test_sentences_come_before_the_cells_of_a_table_beside_them() -> None:
    order = most_useful_first([10.0] * 40, [n / 80 for n in range(40)], [0.4 if n % 2 else 0.05 for n in range(40)])
    assert sum(line % 2 for line in order[: PASSES[0]]) > PASSES[0] / 2
    assert order[0] == 1


def test_no_lines() -> None:
    assert most_useful_first([], [], []) == []


def test_missing_models_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = importlib.util.spec_from_loader("rapidocr", loader=None, is_package=True)
    assert other is not None
    other.submodule_search_locations = [str(tmp_path)]
    for found in (None, other):
        monkeypatch.setattr(models, "find_spec", lambda name, found=found: found)
        with pytest.raises(ExtraNotInstalled, match=r"airflow-provider-classify\[local\]"):
            models.model_path(models.DETECTION)


def _with_photograph(page: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The page with a picture in greys, the darkest at the top."""
    page.paste(Image.linear_gradient("L").resize((box[2] - box[0], box[3] - box[1])).point(lambda v: v // 2), box)
    return page


def test_pictures_among_the_text_are_measured() -> None:
    lines = ["A new soap", *[""] * 8, "Ask your grocer for it"]
    plain, illustrated = paper.picture(lines), _with_photograph(paper.picture(lines), (100, 150, 450, 750))
    assert _passes(plain)[0].pictured < 0.02
    assert _passes(illustrated)[0].pictured == pytest.approx(350 * 600 / (800 * 1000), abs=0.05)


def test_what_lies_around_a_photographed_page_is_no_picture() -> None:
    table = Image.new("RGB", (1200, 1500), (90, 60, 40))
    table.paste(paper.picture(), (200, 250))
    assert _passes(table)[0].pictured < 0.02


def test_one_reader_for_each_number_of_threads() -> None:
    one, two = shared_reader(1), shared_reader(2)
    assert one is not two
    assert (shared_reader(1), shared_reader(2)) == (one, two)
    assert shared_reader() is shared_reader(available_cores())


@pytest.mark.parametrize("title", ["SERVICE AGREEMENT", "Rechnung", "Annual report of the harbour board"])
def test_a_short_line_on_an_empty_page_is_one_line(title: str, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", title)
    with open_document(path, name="a.pdf", threads=1, ocr="always") as document:
        [reading] = document.pages
        *_, page = reading.passes()
    assert (page.source, [line.text for line in page.lines]) == ("ocr", [title])


@pytest.mark.parametrize(("x", "y"), [(200, 40), (200, 815), (40, 400), (390, 60)])
def test_a_line_at_any_edge_of_an_empty_page_is_one_line(x: int, y: int, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as written:
        written.new_page().insert_text((x, y), "Annual report of the harbour", fontsize=14)
        written.save(path)
    with open_document(path, name="a.pdf", threads=1, ocr="always") as document:
        [reading] = document.pages
        *_, page = reading.passes()
    assert (page.source, [line.text for line in page.lines]) == ("ocr", ["Annual report of the harbour"])
