"""What a result tells beside its answer: pages by category, language, nodes of paths, evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support import paper
from tests.support.documents import INVOICE, write_pdf

CONTRACT = """SERVICES AGREEMENT

This Agreement is made between the parties and shall be governed by the laws of England.
WHEREAS the Provider offers services; NOW THEREFORE the parties agree as follows.
1. Term and termination. Either party may terminate this Agreement. 2. Confidentiality."""
LETTRE = """Chère Madame,

nous vous remercions de votre lettre du 22 mai et de la confiance que vous nous accordez.
Nous vous prions d'agréer, Madame, l'expression de nos salutations distinguées."""


def classify(path: Path, *categories: str, **options: int) -> ClassificationResult:
    return Classifier([Category(name) for name in categories], EngineOptions(**options)).classify(path, name=path.name)


def text(path: Path, *pages: str) -> Path:
    path.write_text("\f".join(pages))
    return path


def test_a_document_that_holds_two_shows_both(tmp_path: Path) -> None:
    result = classify(text(tmp_path / "mixed.txt", INVOICE, CONTRACT, CONTRACT), "contract", "invoice", "letter")
    assert [(group["category"], group["pages"]) for group in result.extra["categories"]] == [
        ("contract", [2, 3]),
        ("invoice", [1]),
    ]
    for group in result.extra["categories"]:
        found = [page.confidence for page in result.page_results if page.page in group["pages"]]
        assert group["page_count"] == len(found)
        assert group["confidence"] == pytest.approx(sum(found) / len(found), abs=1e-4)


def test_a_blank_page_belongs_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "back.pdf"
    path.write_bytes(paper.pdf("Invoice number 4, bill to Ann, amount due 12.00", ""))
    result = classify(path, "contract", "invoice")
    assert len(result.page_results) == 2
    assert [(group["category"], group["pages"]) for group in result.extra["categories"]] == [("invoice", [1])]


def test_more_pages_than_usual(tmp_path: Path) -> None:
    path = text(tmp_path / "long.txt", *[INVOICE] * 5, CONTRACT)
    assert classify(path, "contract", "invoice").extra["categories"][0]["pages"] == [1, 2, 3, 4]
    assert classify(path, "contract", "invoice", max_pages=6).extra["categories"][1]["pages"] == [6]


@pytest.mark.parametrize(("kind", "options"), [("TIFF", {}), ("GIF", {"duration": 100})])
def test_frames_of_an_image_are_pages(tmp_path: Path, kind: str, options: dict[str, int]) -> None:
    frames = [paper.picture(paper.INVOICE), paper.picture(paper.RECEIPT)]
    path = tmp_path / "frames"
    path.write_bytes(paper.encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    result = classify(path, "receipt", "invoice")
    assert result.raw_result is None
    assert [(page.page, page.classification) for page in result.page_results] == [(1, "invoice"), (2, "receipt")]
    assert {group["category"]: group["pages"] for group in result.extra["categories"]} == {
        "invoice": [1],
        "receipt": [2],
    }


def test_an_image_of_one_page_tells_the_same(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(paper.encoded(paper.picture()))
    result = classify(path, "receipt", "invoice")
    assert result.page_results == ()
    assert result.extra["categories"][0]["pages"] == [1]
    assert result.extra["text_source"] == "ocr"
    assert result.extra["language"] == "en"
    assert {found["page"] for found in result.extra["evidence"]} == {1}


def test_the_language(tmp_path: Path) -> None:
    assert classify(text(tmp_path / "a.txt", LETTRE), "letter", "invoice").extra["language"] == "fr"
    assert classify(text(tmp_path / "b.txt", "4711"), "letter", "invoice").extra["language"] is None


def test_an_answer_can_be_sure_of_a_node_and_unsure_of_the_leaf(tmp_path: Path) -> None:
    path = write_pdf(
        tmp_path / "mixed.pdf", "Invoice number 4. Thank you for shopping. Amount due, paid in cash, change"
    )
    result = classify(path, "finance/invoice", "finance/receipt", "legal/contract")
    finance = result.extra["confidence_by_path"]["finance"]
    assert finance > result.confidence
    assert finance > 0.8
    assert result.extra["scores"].keys() == {"finance/invoice", "finance/receipt", "legal/contract"}
    assert sum(result.extra["scores"].values()) == pytest.approx(1.0, abs=1e-3)


def test_without_paths_there_are_no_nodes(tmp_path: Path) -> None:
    assert "confidence_by_path" not in classify(write_pdf(tmp_path / "a.pdf"), "invoice", "letter").extra


def test_evidence_names_its_page(tmp_path: Path) -> None:
    result = classify(text(tmp_path / "mixed.txt", INVOICE, CONTRACT), "contract", "invoice")
    for page in result.page_results:
        assert page.extra["evidence"]
        assert {found["page"] for found in page.extra["evidence"]} == {page.page}


@pytest.mark.parametrize("name", ["???", "🙂", "/", "of the", "x" * 1000, "a/b/c/d/e/f", "1"])
def test_a_name_that_says_nothing_gets_no_confident_answer(tmp_path: Path, name: str) -> None:
    document = write_pdf(tmp_path / "a.pdf")
    assert classify(document, name).confidence < 0.2
    result = classify(document, name, "invoice")
    assert result.classification == "invoice"
    assert result.confidence > 0.9
