"""Finding phrases in a text's words."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.text.phrases import NOWHERE, PhraseIndex, phrase_of
from airflow_provider_classify.engine.text.words import words_of


def found(phrase: str, text: str, **how: object) -> dict[tuple[str, ...], int]:
    index = PhraseIndex()
    index.add(phrase_of(phrase), 0, 1.0)
    return index.find(words_of(text), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phrase", "text", "place"),
    [
        ("invoice number", "Your invoice number is 12", 1),
        ("Invoice-Number", "INVOICE NUMBER: 12", 0),
        ("numéro de facture", "Numero de facture", 0),
        ("vertrag*", "die Vertragsparteien", 1),
        ("*vertrag", "Ihr Mietvertrag", 1),
        ("договор*", "по договору", 1),
        ("hóa đơn", "SO HOA DON 12", 1),
        ("hóa đơn", "Số hoá đơn 12", 1),
        ("lønseddel", "Din lonseddel", 1),
        ("τιμολόγιο", "ΑΡΙΘΜΟΣ ΤΙΜΟΛΟΓΙΟ", 1),
    ],
)
def test_found_at_its_first_word(phrase: str, text: str, place: int) -> None:
    assert list(found(phrase, text).values()) == [place]


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("invoice number", "number of the invoice"),
        ("invoice number", "invoice numbers"),
        ("vertrag*", "Mietvertrag"),
        ("*vertrag", "Vertragsparteien"),
        ("ship to", "township town"),
    ],
)
def test_not_found(phrase: str, text: str) -> None:
    assert found(phrase, text) == {}


def test_a_field_is_a_word_with_a_colon() -> None:
    assert found("from:", "Letters from home", fields=set()) == {}
    assert found("from:", "From: Ann", fields={"from"}) == {("from:",): 0}


def test_scripts_without_spaces_are_searched_as_they_are() -> None:
    assert found("請求書", "御請求書在中", unspaced="御請求書在中") == {("請求書",): NOWHERE}


def test_a_field_in_a_script_without_spaces_is_not_found_in_other_words() -> None:
    assert found("金額:", "合計金額: 12", fields={"合計金額"}, unspaced="合計金額:12") == {}
    assert found("金額:", "金額: 12", fields={"金額"}, unspaced="金額:12") == {("金額:",): 0}


def test_the_same_letters_with_and_without_spaces_are_one_phrase() -> None:
    index = PhraseIndex()
    first = index.add(phrase_of("사용 설명서"), 0, 1.0)
    assert index.add(phrase_of("사용설명서"), 0, 3.0) == first
    index.add(phrase_of("사용설명서"), 1, 2.0)
    found = index.find([], unspaced="사용설명서")
    assert found == {first: NOWHERE}
    assert index.entries[first] == [(0, 3.0), (1, 2.0)]


def test_spaces_that_recognition_lost() -> None:
    assert found("invoice number", "TAXINVOICENUMBER 12", is_ocr=True) == {("invoice", "number"): 0}
    assert found("invoice number", "INVOICENUMBER 12", is_ocr=True) == {("invoice", "number"): 0}
    assert found("invoice number", "TAXINVOICENUMBER 12") == {}


def test_types_share_phrases() -> None:
    index = PhraseIndex()
    index.add(phrase_of("total"), 0, 1.0)
    index.add(phrase_of("Total"), 1, 0.5)
    (phrase,) = index.find(["total", "total"])
    assert index.entries[phrase] == [(0, 1.0), (1, 0.5)]


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("the court of appeals", {("court",), ("court", "of")}),
        ("a court and the court of appeals", {("court", "of")}),
        ("a court of law", {("court",)}),
        ("a court", set()),
    ],
)
def test_a_part_of_a_longer_phrase_is_a_repetition(text: str, repeated: set[tuple[str, ...]]) -> None:
    index = PhraseIndex()
    for phrase, weight in (("court of appeals", 3.0), ("court of", 2.0), ("court", 2.0)):
        index.add(phrase_of(phrase), 0, weight)
    assert {phrase for phrase, _, _ in index.repeated(index.find(words_of(text)))} == repeated


def test_a_part_of_another_types_phrase_or_of_a_weaker_one_is_no_repetition() -> None:
    index = PhraseIndex()
    index.add(phrase_of("court of appeals"), 0, 1.0)
    index.add(phrase_of("court of"), 0, 2.0)
    index.add(phrase_of("appeals"), 1, 1.0)
    assert not index.repeated(index.find(words_of("the court of appeals")))
