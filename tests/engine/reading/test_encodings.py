"""Text in the encodings that occur, without a byte order mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.reading.dispatch import open_source
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.encodings import decode_text, head_as_text
from tests.support.reading import text

RUSSIAN = "Счёт на оплату 17\nПоставщик: ООО Пример\nИтого к оплате 12 000 руб.\n"
UKRAINIAN = "Рахунок-фактура 17\nПостачальник: ТОВ Приклад\nРазом до сплати 12 000 грн.\n"
JAPANESE = "請求書\n株式会社サンプル御中\n下記の通りご請求申し上げます。\n合計金額 12,000円\n"
SIMPLIFIED = "发票\n购买方名称:北京示例有限公司\n金额合计 1200元\n开票日期 2026年5月1日\n"
TRADITIONAL = "發票\n買方名稱:台北範例公司\n金額合計 1200元\n統一編號\n"
KOREAN = "청구서\n주식회사 예제 귀중\n합계 금액 12,000원\n지급 기한 2026년 5월 31일\n"
CZECH = "Faktura číslo 17\nDodavatel: Příklad s.r.o.\nCelkem k úhradě 12 000 Kč\nDatum splatnosti\n"
POLISH = "Faktura nr 17\nSprzedawca: Przykład sp. z o.o.\nRazem do zapłaty 12 000 zł\nTermin płatności: 14 dni\n"
TURKISH = "Fatura numarası 17\nÖdenecek toplam tutar 12 TL\nSayın müşterimiz, teşekkür ederiz\n"
GERMAN = "Rechnung Nr. 17\nGrüße aus Köln\nÜberweisung fällig in 30 Tagen – 12 €\n"
GREEK = "Τιμολόγιο αριθμός 17\nΣύνολο πληρωμής 12 ευρώ\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", RUSSIAN),
        ("cp1251", UKRAINIAN),
        ("koi8_r", RUSSIAN),
        ("iso8859_5", RUSSIAN),
        ("iso8859_5", UKRAINIAN),
        ("cp866", RUSSIAN),
        ("shift_jis", JAPANESE),
        ("euc_jp", JAPANESE),
        ("iso2022_jp", JAPANESE),
        ("gbk", SIMPLIFIED),
        ("gb18030", SIMPLIFIED),
        ("big5", TRADITIONAL),
        ("euc_kr", KOREAN),
        ("cp1250", CZECH),
        ("cp1250", POLISH),
        ("cp1254", TURKISH),
        ("cp1252", GERMAN),
        ("cp1252", "A café for £5 or 5 €"),
        ("cp1252", "Köln"),
        ("cp1253", GREEK),
    ],
)
def test_code_pages(encoding: str, text: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Invoice 17, due in May\n", RUSSIAN, JAPANESE, GERMAN, SIMPLIFIED, KOREAN])
def test_wide_text_without_byte_order_mark(encoding: str, text: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    assert decode_text(RUSSIAN.encode(encoding)) == RUSSIAN


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("cp1251", '<meta charset="windows-1251">'),
        ("cp1251", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">'),
        ("cp1251", ""),
        ("koi8_r", "<meta charset=koi8-r>"),
        ("utf-8", ""),
        ("utf-8", '<meta charset="nonsense">'),
        ("utf-16", '<meta charset="utf-8">'),
        ("utf-16-le", ""),
    ],
)
@pytest.mark.parametrize("is_attached", [False, True])
def test_page_of_html(encoding: str, declared: str, is_attached: bool, tmp_path: Path) -> None:
    line = "Счёт на оплату от поставщика за май и июнь этого года"
    html = f"<!DOCTYPE html><html><head>{declared}</head><body><p>{line}</p></body></html>".encode(encoding)
    (tmp_path / "page").write_bytes(html)
    source = Source("page.html", html if is_attached else tmp_path / "page")
    with open_source(source, ReadingOptions(ocr="never")) as document:
        assert text(next(next(document.pages).passes())) == line


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "big5", "euc_kr", "utf-16-le", "utf-8"])
def test_head_that_ends_within_a_character_is_text(encoding: str) -> None:
    text = {"shift_jis": JAPANESE, "euc_kr": KOREAN, "big5": TRADITIONAL}.get(encoding, SIMPLIFIED)
    for cut in (60, 61, 62, 63):
        head = head_as_text(text.encode(encoding)[:cut])
        assert head is not None
        assert text.startswith(head.rstrip("\ufffd"))


@pytest.mark.parametrize("data", [bytes(range(256)) * 16, bytes(4096), b"\3\2\1\0\7" * 1000, b"MZ\0\0" + bytes(100)])
def test_binary_data_is_not_text(data: bytes) -> None:
    assert head_as_text(data) is None
