"""Whole documents to results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pymupdf
import pytest
from samples import SAMPLES, draw_samples

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.confidence import SURE
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.read_pages import MIN_AGREEMENT
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentNotFound
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.pages import page_of

CATEGORIES = [Category(name) for name in sorted(SAMPLES.values())]
INVOICE = page_of("INVOICE", "Invoice number: 17", "Bill to: Ann", "Subtotal 100.00", "VAT 19.00", "Amount due 119.00")
LETTER = page_of("Dear Ann,", "thank you for your letter of May.", "Yours sincerely,", "Ben", number=2)


@dataclass
class Reading:
    """A page that is read in passes, and counts them."""

    number: int
    pages: Sequence[Page]
    error: DocumentCorrupt | None = None
    read: int = 0

    def passes(self) -> Iterator[Page]:
        if self.error:
            raise self.error
        for page in self.pages:
            self.read += 1
            yield page


@dataclass
class TextReading(Reading):
    """A page with a text layer. OCR reads the pictures beside it in further passes."""

    text: Page | None = None
    lacks_most_text: bool = False

    def may_lack_most_text(self) -> bool:
        return self.lacks_most_text

    def text_passes(self) -> Iterator[Page]:
        if self.text:
            yield self.text


def document(*readings: Reading, is_image: bool = False) -> OpenedDocument:
    return OpenedDocument(Format.PDF, len(readings), iter(readings), is_image)


def classify(*pages: Page, categories: Sequence[Category] = CATEGORIES) -> ClassificationResult:
    readings = [Reading(page.number, [page]) for page in pages]
    return Classifier(categories).classify_document(document(*readings))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClassificationResult]:
    classifier = Classifier(CATEGORIES)
    paths = draw_samples(tmp_path_factory.mktemp("samples"))
    return {path.name: classifier.classify(path, name=path.name) for path in paths}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_told_apart(results: dict[str, ClassificationResult], name: str) -> None:
    assert results[name].success
    assert results[name].classification == SAMPLES[name]
    assert results[name].confidence > 0.9


def test_a_document_has_a_result_for_each_page(results: dict[str, ClassificationResult]) -> None:
    result = results["contract.pdf"]
    assert [page.page for page in result.page_results] == list(range(1, result.total_pages + 1))
    assert result.processed_pages == result.total_pages
    assert result.raw_result is None
    assert {page.extra["text_source"] for page in result.page_results} == {"ocr"}
    assert results["invoice.pdf"].page_results[0].extra["text_source"] == "text_layer"


def test_an_image_has_none_but_its_own(results: dict[str, ClassificationResult]) -> None:
    result = results["receipt.jpg"]
    assert result.page_results == ()
    assert (result.total_pages, result.processed_pages) == (1, 1)
    assert result.raw_result == "receipt"
    assert result.extra["text_source"] == "ocr"
    assert result.extra["evidence"]


def test_scores_of_all_categories_sum_to_one(results: dict[str, ClassificationResult]) -> None:
    for result in results.values():
        scores = result.extra["scores"]
        assert list(scores) == [category.name for category in CATEGORIES]
        assert sum(scores.values()) == pytest.approx(1.0, abs=0.001)
        assert max(scores, key=scores.__getitem__) == result.classification
        assert result.confidence <= scores[result.classification] + 0.0001


def test_the_result_says_what_made_it() -> None:
    engine = classify(INVOICE).extra["engine"]
    assert engine["name"] == "airflow-provider-classify"
    assert engine["knowledge"] == load_knowledge().version


def test_evidence_points_at_lines_of_the_page() -> None:
    (page,) = classify(INVOICE).page_results
    assert page.raw_result == "invoice"
    for evidence in page.extra["evidence"]:
        assert evidence["type"] == "invoice"
        (line,) = (line for line in INVOICE.lines if line.text == evidence["line"])
        assert evidence["box"] == [round(v, 4) for v in (line.x0, line.y0, line.x1, line.y1)]


def test_the_same_document_gets_the_same_answer(tmp_path: Path) -> None:
    assert classify(INVOICE, LETTER) == classify(INVOICE, LETTER)


def test_the_first_page_decides_where_pages_disagree() -> None:
    result = classify(INVOICE, LETTER)
    assert [page.classification for page in result.page_results] == ["invoice", "letter"]
    assert result.classification == "invoice"
    short = page_of("Invoice 17", "for 3 chairs")
    assert classify(short, LETTER).confidence < classify(short).confidence


def test_a_page_that_fails_fails_alone() -> None:
    error = DocumentCorrupt("Page 1 is damaged.")
    readings = Reading(1, [], error), Reading(2, [LETTER])
    result = Classifier(CATEGORIES).classify_document(document(*readings))
    failed, read = result.page_results
    assert (failed.page, failed.success, failed.classification, failed.error) == (1, False, None, "Page 1 is damaged.")
    assert (read.page, read.success, read.classification) == (2, True, "letter")
    assert (result.classification, result.total_pages) == ("letter", 2)


def test_all_pages_failing_is_an_error() -> None:
    readings = [Reading(n, [], DocumentCorrupt(f"Page {n} is damaged.")) for n in (1, 2)]
    with pytest.raises(DocumentCorrupt, match=r"Page 1 is damaged\."):
        Classifier(CATEGORIES).classify_document(document(*readings))


def test_a_page_is_read_only_until_the_answer_is_sure() -> None:
    sure, unsure = Reading(1, [INVOICE, INVOICE]), Reading(2, [page_of("..."), INVOICE])
    Classifier(CATEGORIES).classify_document(document(sure, unsure))
    assert (sure.read, unsure.read) == (1, 2)


def test_an_empty_page_gets_no_confident_answer() -> None:
    assert classify(page_of()).confidence < 0.5


def test_what_is_none_of_the_categories_gets_no_confident_answer() -> None:
    others = [Category("passport"), Category("sheet music")]
    assert classify(INVOICE, categories=others).confidence < 0.1
    assert classify(INVOICE, categories=[Category("passport")]).confidence < 0.1


def test_a_description_explains_an_unknown_name() -> None:
    pile = Category("pile 7", "A bill with an invoice number, the subtotal, VAT and the amount due.")
    known = [Category("letter"), Category("passport"), Category("menu"), pile]
    assert classify(INVOICE, categories=known).classification == "pile 7"


def test_own_types_are_used(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "toll sheet:\n  description: Tolls of a bridge.\n  cues:\n    en:\n      decisive: bridge keeper, toll paid\n"
    )
    page = page_of("Monday", "Bridge keeper: Ann", "Toll paid 12.00", "Subtotal 12.00")
    classifier = Classifier([Category("invoice"), Category("toll_sheet")], knowledge=load_knowledge(tmp_path))
    result = classifier.classify_document(document(Reading(1, [page])))
    assert (result.classification, result.page_results[0].raw_result) == ("toll_sheet", "toll sheet")


def test_only_the_first_pages_count(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    with pymupdf.open() as pdf:
        for number in range(6):
            pdf.new_page().insert_text((72, 72), f"Invoice number {number}\nSubtotal 100.00\nAmount due 119.00")
        pdf.save(path)
    assert Classifier(CATEGORIES).classify(path, name="long.pdf").total_pages == 4
    assert Classifier(CATEGORIES, EngineOptions(max_pages=2)).classify(path, name="long.pdf").total_pages == 2


def test_errors_call_the_document_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotFound, match="the March invoice"):
        Classifier(CATEGORIES).classify(tmp_path / "x.pdf", name="the March invoice")


@pytest.mark.parametrize(("earlier", "times_read"), [([INVOICE], 1), ([LETTER], 2), ([], 2)])
def test_a_text_layer_that_agrees_with_a_sure_page_is_not_completed(earlier: list[Page], times_read: int) -> None:
    doubtful = page_of(
        "In May the people of the town looked at the ships on the river, until winter came and with it the ice",
        "and so on your invoice, amount due",
        number=3,
    )
    classifier = Classifier(CATEGORIES)
    readings = [Reading(page.number, [page]) for page in earlier]
    last = Reading(3, [doubtful, doubtful])
    before = classifier.classify_document(document(Reading(1, [doubtful])))
    assert MIN_AGREEMENT < before.confidence < SURE
    classifier.classify_document(document(*readings, last))
    assert last.read == times_read


@pytest.mark.parametrize("is_first", [True, False])
def test_ocr_does_not_read_pictures_if_another_page_is_sure(is_first: bool) -> None:
    numbers = (1, 2) if is_first else (2, 1)
    unclear = page_of("Some words that tell nothing", number=numbers[1])
    sure = Reading(numbers[0], [replace(INVOICE, number=numbers[0])])
    pictured = TextReading(numbers[1], [unclear, LETTER], text=unclear, lacks_most_text=True)
    readings = sorted([sure, pictured], key=lambda reading: reading.number)
    result = Classifier(CATEGORIES).classify_document(document(*readings))
    assert result.classification == "invoice"
    assert [page.page for page in result.page_results] == [1, 2]
    assert pictured.read == 0


def test_ocr_reads_pictures_if_no_page_is_sure() -> None:
    unclear = page_of("Some words that tell nothing")
    pictured = TextReading(1, [unclear, replace(INVOICE, number=1)], text=unclear)
    result = Classifier(CATEGORIES).classify_document(document(pictured, Reading(2, [replace(unclear, number=2)])))
    assert result.classification == "invoice"
    assert pictured.read == 2


def test_a_sure_text_does_not_decide_if_pictures_show_more_than_it() -> None:
    letterhead = TextReading(1, [replace(LETTER, number=1)], text=INVOICE, lacks_most_text=True)
    unclear = page_of("Some words that tell nothing", number=2)
    result = Classifier(CATEGORIES).classify_document(document(letterhead, Reading(2, [unclear])))
    assert letterhead.read == 1
    assert result.classification == "letter"


def test_if_all_pages_are_read_ocr_reads_the_pictures_of_each() -> None:
    unclear = page_of("Some words that tell nothing", number=2)
    pictured = TextReading(2, [unclear, LETTER], text=unclear)
    options = EngineOptions(max_pages="all")
    Classifier(CATEGORIES, options).classify_document(document(Reading(1, [INVOICE]), pictured))
    assert pictured.read == 2
