"""Scans in Cyrillic, which the OCR models do not know: told apart, and read by Tesseract where it has the language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageChops

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.ocr import tesseract
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import LanguageDataNotUsable
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support import paper
from tests.support.reading import read, text

CATEGORIES = (Category("invoice"), Category("contract"), Category("news"))
CONTRACT = """
<h1>ДОГОВОР АРЕНДЫ</h1>
<p>Арендодатель, с одной стороны, и Арендатор, с другой стороны, заключили настоящий договор о нижеследующем.</p>
<p>Арендодатель передает, а Арендатор принимает во временное пользование помещение площадью 40 кв. м.</p>
<p>Арендатор обязуется вносить плату не позднее пятого числа каждого месяца. Стороны несут ответственность
за неисполнение обязательств. Настоящий договор вступает в силу со дня подписания и действует один год.</p>
<p>Подписи сторон</p>
"""
KOREAN = "<p>임대인과 임차인은 다음과 같이 계약을 체결한다. 임차인은 매월 오일까지 임대료를 지불하여야 한다.</p>" * 3
LANGUAGE = "rus"


@pytest.fixture(autouse=True)
def languages_looked_up_anew() -> Iterator[None]:
    tesseract.installed_languages.cache_clear()
    yield
    tesseract.installed_languages.cache_clear()


@pytest.fixture
def russian() -> None:
    if LANGUAGE not in tesseract.installed_languages()[1]:
        pytest.skip("needs Tesseract's language data of Russian (Debian: tesseract-ocr-rus)")


@pytest.fixture
def no_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tessdata"
    folder.mkdir()
    monkeypatch.setenv("TESSDATA_PREFIX", str(folder))
    return folder


def _picture(html: str = CONTRACT) -> Image.Image:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_htmlbox((60, 60, 535, 782), html)
        pixels = page.get_pixmap(dpi=150)
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)


def _scan() -> bytes:
    return paper.scanned_pdf(_picture())


def _classify(data: bytes, folder: Path) -> ClassificationResult:
    path = folder / "scan.pdf"
    path.write_bytes(data)
    return Classifier(CATEGORIES, EngineOptions(threads=1)).classify(path, name="scan.pdf")


@pytest.mark.usefixtures("no_languages")
def test_without_the_language_the_answer_says_that_it_is_a_guess(tmp_path: Path) -> None:
    (page,) = read(_scan(), tmp_path)
    assert page.is_of_unknown_script
    assert page.legibility < 0.5
    result = _classify(_scan(), tmp_path)
    assert result.confidence < 0.5
    assert result.page_results[0].extra["unknown_script"] is True


@pytest.mark.usefixtures("russian")
def test_with_the_language_it_is_read_and_classified(tmp_path: Path) -> None:
    (page,) = read(_scan(), tmp_path)
    assert "ДОГОВОР АРЕНДЫ" in text(page)
    assert "вступает в силу" in text(page)
    assert page.lines[0].y0 == pytest.approx(0.09, abs=0.03)
    assert not page.is_of_unknown_script
    result = _classify(_scan(), tmp_path)
    assert result.classification == "contract"
    assert result.confidence > 0.9
    assert result.extra["language"] == "ru"
    extra = result.page_results[0].extra
    assert extra["text_source"] == "ocr"
    assert "unknown_script" not in extra


@pytest.mark.usefixtures("russian")
def test_in_a_child_process_too(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(_scan())
    with EnginePool(1) as pool:
        assert pool.classify(path, CATEGORIES, name="scan.pdf").classification == "contract"


def test_damaged_language_data_is_named(no_languages: Path, tmp_path: Path) -> None:
    (no_languages / "rus.traineddata").write_bytes(b"cut off")
    with pytest.raises(LanguageDataNotUsable, match=f"data of rus in '{no_languages}'"):
        read(_scan(), tmp_path)


def test_a_page_that_the_models_can_read_never_needs_it(no_languages: Path, tmp_path: Path) -> None:
    (no_languages / "rus.traineddata").write_bytes(b"cut off")
    (page,) = read(paper.scanned_pdf(paper.picture()), tmp_path)
    assert paper.INVOICE[0] in text(page)


@pytest.mark.usefixtures("russian")
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_on_its_side_or_head(degrees: int, tmp_path: Path) -> None:
    (page,) = read(paper.scanned_pdf(_picture().rotate(degrees, expand=True)), tmp_path)
    assert "ДОГОВОР АРЕНДЫ" in text(page)
    assert page.lines[0].y0 == pytest.approx(0.09, abs=0.03)


@pytest.mark.usefixtures("russian")
def test_on_grey_paper_in_uneven_light(tmp_path: Path) -> None:
    sheet = _picture().convert("L")
    light = Image.linear_gradient("L").resize(sheet.size).point(lambda value: 90 + value // 4)
    photograph = ImageChops.multiply(sheet, light).convert("RGB")
    (page,) = read(paper.scanned_pdf(photograph), tmp_path)
    assert "ДОГОВОР АРЕНДЫ" in text(page)


@pytest.mark.usefixtures("russian")
def test_another_script_is_left_alone(tmp_path: Path) -> None:
    (page,) = read(paper.scanned_pdf(_picture(KOREAN)), tmp_path)
    assert page.is_of_unknown_script


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Схема соединения, 25 мм (см. рис. 2)", 5 + 10 + 3),
        ("ДОГОВОР Аренды «помещения»", 7 + 6 + 9),
        ("РЕНА 7] {ом он Фи:аВ вЕРХ ею1", 4),
        ("", 0),
    ],
)
def test_letters_in_words(text: str, letters: int) -> None:
    assert tesseract.letters_in_words(text) == letters
