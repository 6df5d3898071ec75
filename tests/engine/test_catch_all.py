"""A category "other" has the probability that a document is none of the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from airflow_provider_classify.engine.categories.catch_all import is_catch_all
from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.model.categories import Category
from tests.support.pages import page_of
from tests.support.written import NONE, Written, as_document, written_documents

ALL = sorted({document.category for document in written_documents()} - {NONE})
THREE = ("invoice", "receipt", "contract")
EIGHT = (*THREE, "letter", "email", "resume", "form", "bank_statement")


@pytest.fixture(scope="module")
def sample() -> list[Written]:
    """Some documents of each category."""
    documents = list(written_documents())
    random.Random(1).shuffle(documents)
    return [document for name in (*ALL, NONE) for document in [d for d in documents if d.category == name][:8]]


@pytest.mark.parametrize(
    "name",
    [
        "other",
        "Other",
        "OTHERS",
        "misc",
        "Misc.",
        "Miscellaneous",
        "none of these",
        "none_of_the_above",
        "other documents",
        "otherDocs",
        "all other documents",
        "everything else",
        "anything else",
        "uncategorized",
        "unknown",
        "Other / Unknown",
        "other/misc",
        "n/a",
        "Sonstiges",
        "sonstige Dokumente",
        "Übriges",
        "autre",
        "autres documents",
        "Divers",
        "otros",
        "Varios",
        "altro",
        "outros",
        "overig",
        "Inne",
        "Övrigt",
        "ostatní",
        "egyéb",
        "diğer",
        "Другое",
        "Прочие документы",
        "інше",
        "Λοιπά",
        "その他",
        "其他",
        "기타",
        "أخرى",
        "אחר",
        "अन्य",
        "อื่นๆ",
        "khác",
        "Unsortiert",
        "ohne Kategorie",
        "non trié",
        "sin categoría",
        "da classificare",
        "ongesorteerd",
        "nieposortowane",
    ],
)
def test_names_of_catch_alls(name: str) -> None:
    assert is_catch_all(name)


@pytest.mark.parametrize(
    "name", ["invoice", "other invoices", "sonstige Rechnungen", "general ledger", "default notice", "???", "", "note"]
)
def test_names_of_other_categories(name: str) -> None:
    assert not is_catch_all(name)


def test_no_name_of_a_document_type_is_a_catch_all() -> None:
    for document_type in load_knowledge().types.values():
        for name in (document_type.name, *document_type.aliases, *document_type.labels):
            assert not is_catch_all(name), name


@pytest.mark.parametrize("names", [THREE, EIGHT], ids=["beside 3", "beside 8"])
@pytest.mark.parametrize("catch_all", ["other", "Sonstiges", "none of these"])
def test_it_takes_what_is_none_of_the_rest(sample: list[Written], names: tuple[str, ...], catch_all: str) -> None:
    classifier = Classifier([*map(Category, names[:2]), Category(catch_all), *map(Category, names[2:])])
    inside, outside = [], []
    for written in sample:
        result = classifier.classify_document(as_document(written))
        assert sum(result.extra["scores"].values()) == pytest.approx(1.0, abs=0.001)
        if written.category in names:
            inside.append(result.classification == written.category)
        else:
            outside.append(result.classification == catch_all)
    assert sum(inside) >= 0.95 * len(inside)
    assert sum(outside) >= 0.9 * len(outside)


def test_it_leaves_the_rest_alone_beside_twenty(sample: list[Written]) -> None:
    classifier = Classifier([Category("other"), *map(Category, ALL)])
    results = [(written.category, classifier.classify_document(as_document(written))) for written in sample]
    inside = [result.classification == category for category, result in results if category != NONE]
    outside = [result.classification == "other" for category, result in results if category == NONE]
    assert sum(inside) >= 0.95 * len(inside)
    assert sum(outside) >= 0.5 * len(outside)


def test_its_confidence_is_what_the_others_leave(sample: list[Written]) -> None:
    with_other = Classifier([*map(Category, THREE), Category("other")])
    for written in sample[:40]:
        result = with_other.classify_document(as_document(written))
        if result.classification == "other":
            rest = sum(result.extra["scores"][name] for name in THREE)
            assert result.confidence == pytest.approx(1.0 - rest, abs=0.001)


@dataclass
class Scan:
    """A page that OCR reads in two passes, and how often it was read."""

    first: Page
    whole: Page
    number: int = 1
    passes_read: int = 0

    def passes(self) -> Iterator[Page]:
        for page in (self.first, self.whole):
            self.passes_read += 1
            yield page


def test_a_page_is_read_to_the_end_before_it_is_none_of_the_rest() -> None:
    first = page_of("Dear Ann,", *["Smith and Sons of Mill Lane"] * 4, "Yours sincerely,", "Ben", source="ocr")
    whole = page_of(
        "Smith & Sons", "Invoice number 17", "Bill to: Ann", "Subtotal 10.00", "Amount due 12.00", source="ocr"
    )
    scan = Scan(first, whole)
    classifier = Classifier([Category("invoice"), Category("contract"), Category("other")])
    result = classifier.classify_document(OpenedDocument(Format.PDF, 1, iter([scan])))
    assert (scan.passes_read, result.classification) == (2, "invoice")


def test_a_kind_of_a_category_is_no_other(sample: list[Written]) -> None:
    passport = page_of("PASSPORT", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "Nationality", "Date of birth")
    classifier = Classifier([Category("id_card"), Category("invoice"), Category("other")])
    written = next(document for document in sample if document.category == "letter")
    document = as_document(written)
    assert classifier.classify_document(document).classification == "other"
    found = classifier.classify_document(OpenedDocument(document.kind, 1, iter([ReadPage(passport)])))
    assert found.classification == "id_card"


VERSES = (
    "The Lamp upon the Hill",
    "I saw the lamp upon the hill,",
    "it burned when all the world was still,",
    "and those who sailed the winter sea",
    "were glad of it as I would be.",
    "But now the tower stands alone,",
    "the keeper and his dog are gone,",
    "and in the evening, when I stare",
    "across the bay, no light is there.",
)
DEPARTURES = (
    "Line 7: Harbour - Hospital - University",
    "Monday to Friday",
    *(f"{stop}  06:{n}5  07:{n}5  08:{n}5  09:{n}5" for n, stop in enumerate(("Harbour", "Hospital", "University"))),
    "No service on public holidays.",
)


@pytest.mark.parametrize("lines", [VERSES, DEPARTURES], ids=["poem", "timetable"])
@pytest.mark.parametrize("names", [("contract",), ("letter", "resume"), (*EIGHT, "memo", "medical record", "form")])
def test_it_takes_running_text_and_tables_of_no_known_kind(lines: tuple[str, ...], names: tuple[str, ...]) -> None:
    classifier = Classifier([*map(Category, names), Category("other")])
    result = classifier.classify_document(OpenedDocument(Format.TEXT, 1, iter([ReadPage(page_of(*lines))])))
    assert (result.classification, result.confidence > 0.5) == ("other", True), result.extra["scores"]
