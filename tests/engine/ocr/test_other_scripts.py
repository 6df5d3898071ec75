"""Scans in scripts that the OCR models do not know: found, and read by Tesseract if it has the language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageChops

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.ocr import tesseract
from airflow_provider_classify.engine.ocr.scripts import SCRIPTS, letters_in_words, script_of
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.page import Page
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
#: Leases in other scripts: the language of Tesseract, the file of the font, the heading, and the text.
LEASES = {
    "Greek": (
        "ell",
        "NotoSans-Regular.ttf",
        "ΜΙΣΘΩΤΗΡΙΟ ΣΥΜΒΟΛΑΙΟ",
        "Ο εκμισθωτής και ο μισθωτής συμφώνησαν την εκμίσθωση του διαμερίσματος για ένα έτος από την πρώτη Ιανουαρίου."
        "<p>Ο μισθωτής υποχρεούται να καταβάλλει το μίσθωμα έως την πέμπτη ημέρα κάθε μήνα.</p>",
    ),
    "Arabic": (
        "ara",
        "NotoSansArabic-Regular.ttf",
        "عقد إيجار",
        "تم الاتفاق بين المؤجر والمستأجر على تأجير الشقة الواقعة في شارع النهر لمدة سنة واحدة."
        "<p>يلتزم المستأجر بدفع الأجرة في موعد لا يتجاوز اليوم الخامس من كل شهر.</p>",
    ),
    "Hebrew": (
        "heb",
        "NotoSansHebrew-Regular.ttf",
        "חוזה שכירות",
        "המשכיר והשוכר הסכימו כי הדירה ברחוב הנהר תושכר לתקופה של שנה אחת."
        "<p>השוכר מתחייב לשלם את דמי השכירות עד היום החמישי של כל חודש.</p>",
    ),
    "Devanagari": (
        "hin",
        "NotoSansDevanagari-Regular.ttf",
        "किराया समझौता",
        "मकान मालिक और किरायेदार नदी मार्ग पर स्थित मकान को एक वर्ष के लिए किराये पर देने के लिए सहमत हुए हैं।"
        "<p>किरायेदार प्रत्येक महीने की पाँच तारीख तक किराया देगा।</p>",
    ),
    "Korean": (
        "kor",
        "",
        "임대차 계약서",
        "임대인과 임차인은 다음과 같이 계약을 체결한다. 임차인은 매월 오일까지 임대료를 지불하여야 한다."
        "<p>계약 기간은 일년으로 하며 당사자는 의무를 이행하여야 한다.</p>",
    ),
    "Thai": (
        "tha",
        "NotoSansThai-Regular.ttf",
        "สัญญาเช่า",
        "ผู้ให้เช่าและผู้เช่าตกลงทำสัญญาเช่าห้องพักตั้งอยู่ที่ถนนแม่น้ำ มีกำหนดหนึ่งปีนับแต่วันที่หนึ่งมกราคม"
        "<p>ผู้เช่าต้องชำระค่าเช่าภายในวันที่ห้าของทุกเดือน คู่สัญญาต้องรับผิดชอบต่อการผิดสัญญา</p>",
    ),
}
#: The folders of fonts: what ``make test`` has fetched, and what Debian's package fonts-noto-core installs.
FONTS = (Path(__file__).parents[3] / ".venv/fonts", Path("/usr/share/fonts/truetype/noto"))
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
def only_russian(russian: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed, folder = Path(tesseract.installed_languages()[0] or ""), tmp_path / "tessdata"
    folder.mkdir()
    (folder / "rus.traineddata").symlink_to(installed / "rus.traineddata")
    monkeypatch.setenv("TESSDATA_PREFIX", str(folder))
    tesseract.installed_languages.cache_clear()


@pytest.fixture
def no_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tessdata"
    folder.mkdir()
    monkeypatch.setenv("TESSDATA_PREFIX", str(folder))
    return folder


def _picture(html: str = CONTRACT, font: Path | None = None) -> Image.Image:
    options: dict[str, Any] = {}
    if font:
        style = f"@font-face {{font-family: own; src: url({font.name})}} * {{font-family: own}}"
        options = {"css": style, "archive": pymupdf.Archive(str(font.parent))}
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_htmlbox((60, 60, 535, 782), html, **options)
        pixels = page.get_pixmap(dpi=150)
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)


def _lease(script: str) -> Image.Image:
    """Return a picture of a lease; skip the test if its font is not installed."""
    _, font_name, heading, body = LEASES[script]
    fonts = [folder / font_name for folder in FONTS if font_name and (folder / font_name).is_file()]
    if font_name and not fonts:
        pytest.skip(f"needs the font {font_name} (Debian: fonts-noto-core)")
    direction = "rtl" if script in ("Arabic", "Hebrew") else "ltr"
    return _picture(f'<div dir="{direction}"><h1>{heading}</h1><p>{body}</p></div>', *fonts[:1])


def _need_language(script: str) -> None:
    language = LEASES[script][0]
    if language not in tesseract.installed_languages()[1]:
        pytest.skip(f"needs Tesseract's language data of {script} (Debian: tesseract-ocr-{language})")


def _likeness(page: Page, script: str) -> float:
    """Return how much of a lease is on a page, 0 to 1, without spaces."""
    lease = "".join(re.sub("<.*?>", "", "".join(LEASES[script][2:])).split())
    return SequenceMatcher(None, lease, "".join(text(page).split()), autojunk=False).ratio()


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


@pytest.mark.parametrize("script", LEASES)
def test_other_scripts_are_read(script: str, tmp_path: Path) -> None:
    _need_language(script)
    (page,) = read(paper.scanned_pdf(_lease(script)), tmp_path)
    assert _likeness(page, script) > 0.85
    assert not page.is_of_unknown_script
    assert page.legibility > 0.8


@pytest.mark.parametrize("script", LEASES)
def test_other_scripts_are_read_upside_down(script: str, tmp_path: Path) -> None:
    _need_language(script)
    (page,) = read(paper.scanned_pdf(_lease(script).rotate(180)), tmp_path)
    assert _likeness(page, script) > 0.85
    assert page.view.quarters == 2


@pytest.mark.parametrize("script", ["Arabic", "Devanagari", "Hebrew", "Thai"])
def test_a_script_whose_data_is_missing_is_left_alone(script: str, only_russian: None, tmp_path: Path) -> None:
    (page,) = read(paper.scanned_pdf(_lease(script)), tmp_path)
    assert page.is_of_unknown_script
    assert page.legibility < 0.6


def test_words_from_right_to_left_are_in_the_order_of_reading(tmp_path: Path) -> None:
    _need_language("Arabic")
    (page,) = read(paper.scanned_pdf(_lease("Arabic")), tmp_path)
    assert "تم الاتفاق بين المؤجر والمستأجر" in text(page)


def test_digits_and_latin_words_do_not_change_the_script() -> None:
    heading = "ДОГОВОР № 17 от 24.05.2026, Example Ltd"
    assert script_of(heading, room=14) is None  # too many Latin letters
    found = script_of(f"{heading}. {'Стороны заключили настоящий договор. ' * 2}", room=40)
    assert found is not None
    assert found.name == "Cyrillic"


@pytest.mark.parametrize(
    ("name", "text", "room"),
    [
        ("Thai", "สัญญาเช่า ผู้ให้เช่าและผู้เช่าตกลงทำสัญญา", 10),
        ("Devanagari", "किराया समझौता किरायेदार प्रत्येक महीने", 12),
        ("Arabic", "تم الاتفاق بين المؤجر والمستأجر", 9),
    ],
)
def test_marks_on_letters_belong_to_the_script(name: str, text: str, room: float) -> None:
    script = next(script for script in SCRIPTS if script.name == name)
    assert script.sureness(text, room) == 1.0
    assert script.sureness(text, room * 10) == 0.0


def test_a_mixture_of_scripts_is_none() -> None:
    assert script_of("สัญญา договор עברית συμβόλαιο", room=10) is None


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
    assert letters_in_words(text) == letters
