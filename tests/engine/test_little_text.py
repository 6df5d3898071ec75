"""Pages with next to no text: one weak word is no evidence, a name or a decisive phrase is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.opened_document import ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.engine.scoring.doubt import ENOUGH_EVIDENCE, MOST_DOUBT, doubt, emptiness
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.pages import page_of

SETS = [
    Classifier([Category(name) for name in names.split()])
    for names in (
        "invoice resume contract",
        "invoice receipt contract letter email resume form bank_statement",
        "advertisement bank_statement contract court_document datasheet_manual financial_report form id_card insurance "
        "invoice medical_record memo presentation receipt resume scientific_paper tax_form",
    )
]
BOILERPLATE = [
    "For the best experience, use a modern browser.",
    "This page is best viewed in a modern browser.",
    "Please enable JavaScript to view this page.",
    "Our experience and your skills make the difference.",
    "Learn more about our education and skills programmes.",
    "We use cookies to improve your experience on our website.",
    "If this message is not eventually replaced by the proper contents of the document, update your viewer.",
    "Read the terms and conditions.",
    "Your order has been placed.",
    "Click here to download the attachment.",
    "All rights reserved.",
    "Contact us",
    "VOID",
    "Signature",
    "Für die beste Darstellung verwenden Sie bitte einen aktuellen Browser.",
    "Wir verwenden Cookies, um Ihnen die bestmögliche Erfahrung zu bieten.",
    "Bitte warten Sie, das Dokument wird geladen.",
    "Pour une meilleure expérience, utilisez un navigateur moderne.",
    "Merci de ne pas imprimer ce message.",
    "Para una mejor experiencia, utilice un navegador moderno.",
    "Por favor espere mientras se carga el documento.",
    "Per una migliore esperienza utilizza un browser moderno.",
    "Para uma melhor experiência, use um navegador moderno.",
    "Gebruik een moderne browser voor de beste ervaring.",
    "En iyi deneyim için modern bir tarayıcı kullanın.",
    "För bästa upplevelse, använd en modern webbläsare.",
    "Для лучшей работы используйте современный браузер.",
    "最適な表示のために最新のブラウザをご利用ください。",
]


def classify(classifier: Classifier, text: str) -> ClassificationResult:
    page = page_of(*textwrap.wrap(text, 80))
    return classifier.classify_document(OpenedDocument(Format.PDF, 1, iter([ReadPage(page)])))


@pytest.mark.parametrize("sentence", BOILERPLATE)
def test_a_sentence_of_boilerplate_is_no_confident_answer(sentence: str) -> None:
    for classifier in SETS:
        result = classify(classifier, sentence)
        assert result.confidence < 0.3, (result.classification, result.confidence)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("INVOICE", "invoice"),
        ("Invoice 17", "invoice"),
        ("Invoice number 4, bill to Ann, amount due 12.00", "invoice"),
        ("Rechnung Nr. 17", "invoice"),
        ("Facture n° 12", "invoice"),
        ("請求書 請求金額 お支払期限", "invoice"),
        ("Curriculum Vitae", "resume"),
        ("Employment contract", "contract"),
    ],
)
def test_a_name_or_a_decisive_phrase_is(text: str, category: str) -> None:
    for classifier in SETS:
        result = classify(classifier, text)
        assert (result.classification, result.confidence > 0.8) == (category, True)


@pytest.mark.parametrize("text", ["Skills", "Education", "Experience", "SKILLS", "Introduction", "Overview"])
def test_the_name_of_a_section_is_not(text: str) -> None:
    for classifier in SETS:
        result = classify(classifier, text)
        assert result.confidence < 0.5, (result.classification, result.confidence)


def test_confidence_grows_with_the_evidence() -> None:
    pages = ["experience", "experience, skills, education", "Work experience, education, skills"]
    confidences = [classify(SETS[0], f"{words} and so on, as one says.").confidence for words in pages]
    assert confidences == sorted(confidences)
    assert confidences[0] < 0.3 < confidences[-1]


def test_doubt_ends_with_enough_text_or_evidence() -> None:
    assert doubt(9.0, 0.0, 1.0) == MOST_DOUBT
    assert doubt(9.0, 0.0, 0.5) == MOST_DOUBT / 2
    assert MOST_DOUBT > doubt(9.0, 1.0, 1.0) > doubt(9.0, 3.0, 1.0) > 0.0
    assert doubt(9.0, ENOUGH_EVIDENCE, 1.0) == doubt(9.0, 9.0, 1.0) == doubt(9.0, 0.0, 0.0) == 0.0


def test_doubt_leaves_the_order_of_types() -> None:
    assert 0.0 < 1.0 - doubt(1.0, 1.0, 1.0) < 2.0 - doubt(2.0, 2.0, 1.0)


@pytest.mark.parametrize("strength", ["decisive", "strong"])
def test_one_cue_of_a_users_own_type_decides_with_low_confidence(strength: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        f"keeper log:\n  description: A log.\n  cues: {{en: {{{strength}: lamp lit}}}}\n"
    )
    categories = [Category(name) for name in ("invoice", "keeper log", "contract")]
    result = classify(
        Classifier(categories, knowledge=load_knowledge(tmp_path)), "Godrevy, lamp lit at 19.40 by the watch"
    )
    assert (result.classification, result.confidence < 0.5) == ("keeper log", True)


def test_a_page_is_empty_by_its_characters_and_lines() -> None:
    one, several = page_of("x" * 60), page_of(*["x" * 10] * 6)
    assert emptiness(one, 60, is_unspaced=False) == 1.0
    assert 0.0 < emptiness(several, 60, is_unspaced=False) < 1.0
    assert emptiness(one, 60, is_unspaced=True) < 1.0
    assert emptiness(one, 1000, is_unspaced=False) == 0.0
