"""Blank pages have no category, cover sheets no vote, and a mixed packet says that it is one."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from PIL import ImageDraw

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.routing import route
from tests.support import paper
from tests.support.documents import SHORT_INVOICE as INVOICE

NAMES = ("invoice", "receipt", "contract", "letter", "email", "resume", "form", "bank_statement")
CONTRACT = """SERVICES AGREEMENT

This Agreement is made between the parties and shall be governed by the laws of England.
WHEREAS the Provider offers services; NOW THEREFORE the parties agree as follows.
1. Term and termination. Either party may terminate this Agreement. 2. Confidentiality."""
COVERS = {
    "english": "FAX\n\nTo: Ben Green\nFrom: Ann Blue\nFax: 020 7946 0000\nPages including cover: 2\nRe: our order",
    "letter": "FAX COVER SHEET\n\nDear Mr. Green,\nattached please find the papers of your letter of 2 May.\n"
    "Please call if you do not receive all pages.\nYours sincerely,\nAnn Blue\nNumber of pages: 2",
    "german": "Telefax\n\nAn: Frau Grün\nVon: Herr Blau\nAnzahl der Seiten (inkl. Deckblatt): 2\n\n"
    "Sehr geehrte Frau Grün,\nanbei das Dokument.\nMit freundlichen Grüßen",
    "french": "TÉLÉCOPIE\n\nÀ : Mme Vert\nDe : M. Bleu\nFax : 01 23 45 67 89\nNombre de pages (y compris celle-ci) : 2",
    "spanish": "FAX\n\nPara: Sra. Verde\nDe: Sr. Azul\nNúmero de páginas (incluida esta): 2\nAsunto: su pedido",
    "separator": "DOCUMENT SEPARATOR SHEET\nPatch T\nDo not remove this page",
    "left blank": "This page intentionally left blank.",
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier([Category(name) for name in NAMES])


def classify(classifier: Classifier, folder: Path, *pages: str) -> ClassificationResult:
    path = folder / "document.pdf"
    with pymupdf.open() as document:
        for text in pages:
            document.new_page().insert_textbox((72, 72, 523, 770), text)
        document.save(path)
    return classifier.classify(path, name="document.pdf")


@pytest.mark.parametrize("pages", [1, 3])
def test_a_blank_document_has_no_category(classifier: Classifier, tmp_path: Path, pages: int) -> None:
    result = classify(classifier, tmp_path, *[""] * pages)
    assert (result.success, result.classification, result.confidence, result.blank) == (True, None, 0.0, True)
    assert [(page.success, page.classification, page.blank) for page in result.page_results] == [
        (True, None, True)
    ] * pages
    assert set(result.extra["scores"].values()) == {0.0}
    assert result.extra["categories"] == []


def test_so_does_a_blank_picture(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    path.write_bytes(paper.encoded(paper.picture([])))
    result = classifier.classify(path, name="blank.png")
    assert (result.success, result.classification, result.blank) == (True, None, True)


def test_so_does_a_scanned_sheet_with_holes_and_dark_edges(classifier: Classifier, tmp_path: Path) -> None:
    sheet = paper.picture([], size=(827, 1169))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, 10, 1169), fill="#404040")
    for y in (330, 800):
        draw.ellipse((26, y, 50, y + 24), fill="#202020")
    path = tmp_path / "sheet.png"
    path.write_bytes(paper.encoded(sheet))
    result = classifier.classify(path, name="sheet.png")
    assert (result.success, result.classification, result.blank) == (True, None, True)
    draw.ellipse((300, 400, 500, 600), fill="#202020")
    path.write_bytes(paper.encoded(sheet))
    assert not classifier.classify(path, name="sheet.png").blank


def test_a_blank_document_survives_the_wire_and_goes_to_review(classifier: Classifier, tmp_path: Path) -> None:
    result = classify(classifier, tmp_path, "")
    on_the_wire = result.to_json()
    assert (on_the_wire["classification"], on_the_wire["blank"]) == (None, True)
    assert ClassificationResult.from_json(on_the_wire) == result
    routes = {"invoice": "books"}
    assert route(on_the_wire, routes, otherwise="archive", review="person", minimum_confidence=0.0) == "person"


def test_a_blank_page_has_no_say(classifier: Classifier, tmp_path: Path) -> None:
    alone = classify(classifier, tmp_path, INVOICE)
    for pages in (["", INVOICE], [INVOICE, ""], ["", "", "", "", INVOICE]):
        result = classify(classifier, tmp_path, *pages)
        assert (result.classification, result.confidence) == ("invoice", alone.confidence)
        assert [page.blank for page in result.page_results] == [not text for text in pages]
        assert "blank" not in result.to_json()


@pytest.mark.parametrize("cover", COVERS.values(), ids=COVERS)
def test_a_cover_does_not_vote_where_another_page_speaks(classifier: Classifier, tmp_path: Path, cover: str) -> None:
    result = classify(classifier, tmp_path, cover, INVOICE)
    assert result.classification == "invoice"
    assert result.confidence > 0.95
    assert not result.extra["mixed"]


@pytest.mark.parametrize("name", ["english", "letter", "german", "french", "spanish", "separator"])
def test_a_cover_is_marked_and_in_no_group(classifier: Classifier, tmp_path: Path, name: str) -> None:
    result = classify(classifier, tmp_path, COVERS[name], INVOICE)
    assert [page.extra.get("cover", False) for page in result.page_results] == [True, False]
    assert [(group["category"], group["pages"]) for group in result.extra["categories"]] == [("invoice", [2])]


def test_a_cover_alone_says_what_it_can(classifier: Classifier, tmp_path: Path) -> None:
    result = classify(classifier, tmp_path, COVERS["english"])
    assert result.classification == "letter"
    assert result.extra["categories"][0]["pages"] == [1]


def test_a_cover_votes_where_a_category_means_it(tmp_path: Path) -> None:
    faxes = Classifier([Category("fax"), Category("receipt"), Category("contract")])
    result = classify(faxes, tmp_path, COVERS["english"], "Notes")
    assert result.classification == "fax"
    assert "cover" not in result.page_results[0].extra


def test_a_mixed_packet_says_so(classifier: Classifier, tmp_path: Path) -> None:
    for pages in ([INVOICE, CONTRACT], [CONTRACT, INVOICE], [INVOICE, CONTRACT, CONTRACT]):
        result = classify(classifier, tmp_path, *pages)
        assert result.extra["mixed"]
        assert result.classification in {page.classification for page in result.page_results}


@pytest.mark.parametrize("second", [INVOICE, "", "page 2 of 2", "Notes on the experience of our customers"])
def test_one_document_is_not_mixed(classifier: Classifier, tmp_path: Path, second: str) -> None:
    assert not classify(classifier, tmp_path, INVOICE, second).extra["mixed"]
