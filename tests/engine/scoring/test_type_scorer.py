"""What pages score for known types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Line, Page, TextSource
from airflow_provider_classify.engine.scoring.type_scorer import Evidence, TypeScorer, share_of_long_text
from tests.support.pages import page_of


@pytest.fixture(scope="module")
def scorer() -> TypeScorer:
    return TypeScorer(load_knowledge())


def score(scorer: TypeScorer, page: Page, type_name: str) -> float:
    return scorer.score(page).scores[scorer.numbers[type_name]]


def evidence(scorer: TypeScorer, page: Page, type_name: str, limit: int) -> list[Evidence]:
    return scorer.score(page).evidence(scorer.numbers[type_name], limit)


def best(scorer: TypeScorer, page: Page) -> str:
    scores = scorer.score(page).scores
    return scorer.names[scores.index(max(scores))]


@pytest.mark.parametrize(
    ("type_name", "lines"),
    [
        ("invoice", ["Rechnung", "Rechnungsnummer: 17", "Zwischensumme 100,00 €", "MwSt. 19 % 19,00", "Zahlungsziel"]),
        ("invoice", ["FACTURE N° 12", "Total HT 100,00", "TVA 20,00", "Net à payer 120,00"]),
        ("invoice", ["請求書", "請求金額 ¥12,000", "お支払期限"]),
        ("contract", ["Договор поставки", "Стороны договорились", "Исполнитель обязуется"]),
        ("contract", ["租赁协议书", "甲方", "乙方", "双方同意"]),
        ("letter", ["Sehr geehrte Frau Blau,", "vielen Dank für Ihr Schreiben.", "Mit freundlichen Grüßen"]),
        ("email", ["Von: Ana", "An: Ben", "Gesendet: 4. Mai", "Betreff: Treffen", "Hallo Ben, bis morgen"]),
        ("memo", ["MEMORANDUM", "TO: All staff", "FROM: Anna", "SUBJECT: Parking", "The car park is closed."]),
        ("payslip", ["Bulletin de paie", "Salaire brut 2 000,00", "Cotisations 450,00", "Net imposable 1 550,00"]),
        ("scientific paper", ["Abstract", "In this paper we propose a method", "Keywords", "References", "[1] et al."]),
        ("passport", ["PASSPORT", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"]),
        ("court document", ["IN THE DISTRICT COURT", "Plaintiff", "v. ", "Defendant", "Case No. 12", "ORDER"]),
    ],
)
def test_the_type_that_a_page_speaks_of(scorer: TypeScorer, type_name: str, lines: list[str]) -> None:
    assert best(scorer, page_of(*lines)) == type_name


@pytest.mark.parametrize(
    "line",
    [
        "Dear Ms Blue,", "Dear Dr. Brown:", "My dear Sir,", "DEAR PARENT/GUARDIAN,", "Chers collègues,",
        "Cher M. Bleu,", "Madame, Monsieur,", "Liebe Frau Blau,", "Sehr geehrter Herr Dr. Blau,",
        "Geachte mevr. Blauw,",
        "Estimado Sr. Azul:", "Prezado senhor Azul,", "Gentile Dott. Blu,", "Уважаемая Анна Петровна!",
        "Vážená paní Modrá,", "Sayın Mavi,",
    ],
)  # fmt: skip
def test_a_line_that_addresses_the_reader_is_a_mark_of_a_letter(scorer: TypeScorer, line: str) -> None:
    body = [f"Some words of line {n}" for n in range(12)]
    page = page_of(*body[:2], line, *body[2:])
    assert line in [found.phrase for found in evidence(scorer, page, "letter", 5)]
    within_a_text = page_of(*body[:2], f"It begins with {line} and so on", *body[2:])
    assert score(scorer, page, "letter") >= score(scorer, within_a_text, "letter") + 0.3


@pytest.mark.parametrize(
    "line",
    [
        "Care instructions:", "Car registration number:", "Estimadores de costos:", "Beste Reisezeit:",
        "Liebe zum Detail!",
        "Monsieur Jean DUPONT, né le 3 mai 1970 à Lyon,", "Drogen und Alkohol:", "Дорога А-107:", "Cara superior:",
    ],
)  # fmt: skip
def test_other_lines_that_end_in_a_colon_or_comma_address_nobody(scorer: TypeScorer, line: str) -> None:
    page = page_of("Some words of a line", line, "Some words of another line")
    assert line not in [found.phrase for found in evidence(scorer, page, "letter", 5)]


def test_a_title_counts_where_it_stands_as_a_heading(scorer: TypeScorer) -> None:
    body = [f"Some words of line {n}" for n in range(12)]
    above, below = page_of("Delivery note", *body), page_of(*body, "Delivery note", top=0.4)
    assert score(scorer, above, "delivery note") > score(scorer, below, "delivery note") + 2
    large = page_of(*body, "Delivery note", top=0.4, sizes={"Delivery note": 22.0})
    assert score(scorer, large, "delivery note") > score(scorer, below, "delivery note") + 2


def test_a_phrase_says_less_in_a_long_text(scorer: TypeScorer) -> None:
    filler = ["lorem ipsum dolor sit amet consectetur adipiscing elit"] * 60
    cue = "the packing slip names the consignee"
    long, short = page_of(*filler, cue, top=0.4), page_of(*filler[:12], cue, top=0.4)
    assert 0 < score(scorer, long, "bill of lading") < score(scorer, short, "bill of lading")
    assert share_of_long_text(100) == 1.0
    assert 0 < share_of_long_text(10_000) < share_of_long_text(1_000) < 1.0


def test_cues_saturate(scorer: TypeScorer) -> None:
    cues = [cue for cue in load_knowledge().types["invoice"].cues if cue.isascii() and not set("*:") & set(cue)]
    page = page_of(*cues, top=0.4)
    assert score(scorer, page, "invoice") < 8


@pytest.mark.parametrize(
    ("type_name", "source", "fitting", "other"),
    [
        ("receipt", "ocr", (300.0, 800.0), (800.0, 600.0)),
        ("invoice", "ocr", (595.0, 842.0), (300.0, 800.0)),
        ("identity card", "ocr", (860.0, 540.0), (540.0, 860.0)),
        ("presentation", "text_layer", (720.0, 405.0), (595.0, 842.0)),
        ("presentation", "ocr", (720.0, 405.0), (595.0, 842.0)),
    ],
)
def test_the_shape_of_a_page(
    scorer: TypeScorer, type_name: str, source: TextSource, fitting: tuple[float, float], other: tuple[float, float]
) -> None:
    lines = {"identity card": ["Date of birth 1.1.1990", "Nationality"]}.get(type_name, ["Total 12.00", "Overview"])
    scores = [
        score(scorer, page_of(*lines, width=width, height=height, source=source), type_name)
        for width, height in (fitting, other)
    ]
    assert scores[0] > scores[1]


def test_little_text_around_a_picture_speaks_for_posters(scorer: TypeScorer) -> None:
    plain = page_of("Pure and mild", "At your grocer's", source="ocr")
    illustrated = replace(plain, pictured=0.3)
    assert score(scorer, illustrated, "poster") > score(scorer, plain, "poster")
    assert score(scorer, illustrated, "letter") == score(scorer, plain, "letter")


def test_columns_under_a_headline_speak_for_newspapers(scorer: TypeScorer) -> None:
    """Seen as a scan; amounts in such columns are those of an invoice."""
    words = ["the old mill burned", "down in the night and", "nobody had seen it"]
    columns = tuple(
        Line(words[row % 3], 20.0, 0.05 + 0.3 * column, 0.2 + row * 0.03, 0.25 + 0.3 * column, 0.22 + row * 0.03)
        for column in range(3)
        for row in range(20)
    )
    small, large = (
        Page(1, 1000, 1400, (Line("Mill burned down", size, 0.05, 0.05, 0.6, 0.1), *columns), "ocr")
        for size in (20.0, 60.0)
    )
    amounts = (Line(f"{n}.50", 20.0, 0.9, 0.9, 0.95, 0.92) for n in range(3))
    paid = replace(large, lines=(*(line._replace(text="oak boards") for line in large.lines), *amounts))
    assert score(scorer, large, "newspaper article") > score(scorer, small, "newspaper article") + 0.5
    assert score(scorer, paid, "newspaper article") < score(scorer, large, "newspaper article") - 0.5


def test_a_few_lines_of_running_text_are_no_page_of_a_newspaper(scorer: TypeScorer) -> None:
    line = "The mayor said yesterday that the house on the hill had been empty for a year"
    note, page = (page_of(*[line] * lines, source="ocr") for lines in (18, 22))
    assert score(scorer, page, "newspaper article") > score(scorer, note, "newspaper article")


def test_running_text_in_print_is_not_the_press_by_itself(scorer: TypeScorer) -> None:
    line = "It is shown that the height of the jet depends on the square of the radius"
    page = page_of(*[line] * 30, source="ocr")
    assert score(scorer, page, "newspaper article") == score(
        scorer, replace(page, source="text_layer"), "newspaper article"
    )


def test_slides_have_large_print(scorer: TypeScorer) -> None:
    lines = [f"Some words of line {n}" for n in range(8)]
    small, large = (
        page_of(*lines, width=720.0, height=405.0, source="ocr", sizes=dict.fromkeys(lines, size))
        for size in (8.0, 20.0)
    )
    assert score(scorer, large, "presentation") > score(scorer, small, "presentation") + 1


def test_words_that_ocr_misread_count(scorer: TypeScorer) -> None:
    lines = ["INV0ICE", "lnvoice nurnber 17", "Amount payab1e"]
    read, typed = (page_of(*lines, source=source) for source in ("ocr", "text_layer"))
    assert best(scorer, read) == "invoice"
    assert score(scorer, read, "invoice") > score(scorer, typed, "invoice") + 3


def test_running_text_speaks_for_prose_and_against_cards_and_amounts(scorer: TypeScorer) -> None:
    prose = page_of(*["It was said that the house on the hill had been empty for a year"] * 4)
    figures = page_of(*["Item 1 12.00 | Item 2 13.50 | Item 3 19.99"] * 4)
    for type_name, sign in (("newspaper article", 1), ("identity card", -1), ("invoice", -1)):
        assert sign * (score(scorer, prose, type_name) - score(scorer, figures, type_name)) > 0


@pytest.mark.parametrize("type_name", ["passport", "identity card", "visa"])
def test_words_in_capitals_are_no_machine_readable_zone(scorer: TypeScorer, type_name: str) -> None:
    page = page_of("PERFORMANCE REVIEW, SPECIFICATIONS", "INVOICE FOR SERVICES", "TAX IDENTIFICATION", top=0.4)
    assert not any("<" in found.phrase or found.phrase.isupper() for found in evidence(scorer, page, type_name, 9))


@pytest.mark.parametrize(
    ("type_name", "zone"),
    [
        ("passport", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"),
        ("identity card", "IDUTOMUSTERMANN<<<<<<<<<<<<<<<<<<<<<"),
        ("identity card", "I<UTOD231458907<<<<<<<<<<<<<<<"),
        ("visa", "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<"),
    ],
)
def test_machine_readable_zones(scorer: TypeScorer, type_name: str, zone: str) -> None:
    found = evidence(scorer, page_of("Some words", zone, top=0.4), type_name, 9)
    assert any(item.line.text == zone and item.weight >= 2 for item in found)


def test_evidence_names_the_phrase_and_its_line(scorer: TypeScorer) -> None:
    page = page_of("Rechnung", "Kundennummer 5", "Rechnungsnummer 17", "請求書 12")
    lines = {item.phrase: item.line.text for item in evidence(scorer, page, "invoice", 20)}
    assert lines["rechnung"] == "Rechnung"
    assert lines["kundennummer"] == "Kundennummer 5"
    assert lines["rechnungsnummer"] == "Rechnungsnummer 17"
    assert lines["請求書"] == "請求書 12"
    weights = [item.weight for item in evidence(scorer, page, "invoice", 3)]
    assert len(weights) == 3
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    "page", [page_of(), page_of(""), page_of("."), Page(1, 0.0, 0.0, (Line("a", 0, 0, 0, 0, 0),), "ocr")]
)
def test_pages_with_next_to_nothing(scorer: TypeScorer, page: Page) -> None:
    assert len(scorer.score(page).scores) == len(scorer.names)


def test_running_lines_by_hand_speak_for_a_letter(scorer: TypeScorer) -> None:
    lines = ["It is with the greatest of pleasure that we have been told of the house by the sea"] * 9
    printed = replace(page_of(*lines, source="ocr"), legibility=0.98)
    written = replace(printed, legibility=0.82)
    half_read = replace(printed, legibility=0.9)
    assert (
        score(scorer, written, "letter")
        > score(scorer, half_read, "letter")
        > score(scorer, printed, "letter")
        == score(scorer, replace(written, source="text_layer"), "letter")
    )
    assert score(scorer, written, "newspaper article") == score(scorer, printed, "newspaper article")
    a_page_of_print = replace(page_of(*lines * 5, source="ocr"), legibility=0.82)
    assert score(scorer, a_page_of_print, "letter") < score(scorer, written, "letter")


def test_a_cue_counts_in_texts_of_its_language(scorer: TypeScorer) -> None:
    english = "We thank you for your order of 3 May, which will be sent to the address below. Pay this amount"
    german = "Wir bitten Sie, den Betrag bis zum 3. Mai auf unser Konto zu überweisen. Pay this amount"
    short = "Pay this amount"
    phrases = [
        {match.phrase for match in scorer.score(page_of(text, top=0.4)).matches} for text in (english, german, short)
    ]
    assert [("pay", "this", "amount") in found for found in phrases] == [True, False, True]


def test_a_cue_of_an_unknown_language_counts_in_all_texts(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "tide log:\n  description: A log.\n  cues:\n    any: {strong: high water}\n    fr: {strong: low water}\n"
    )
    own = TypeScorer(load_knowledge(tmp_path))
    text = "We thank you for your order of high water and low water, which will be sent to the address below."
    found = {match.phrase for match in own.score(page_of(text, top=0.4)).matches}
    assert ("high", "water") in found
    assert ("low", "water") not in found
