"""
Documents of twenty categories and of none, written for the tests, in ten languages.

``documents/`` has a file for each category. A line ``--- en scan`` begins a document: its language and,
if it is no text page, its shape; the lines of its page follow, a large one after ``= ``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.categories import Category
from airflow_provider_classify.contract import ClassificationResult
from airflow_provider_classify.engine.classifier import Classifier
from airflow_provider_classify.engine.page import TextSource
from airflow_provider_classify.engine.reading import Document
from airflow_provider_classify.engine.reading.document import ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from tests.support.pages import page_of

#: Width, height and where the text comes from.
SHAPES: dict[str, tuple[float, float, TextSource]] = {
    "page": (595.0, 842.0, "text_layer"),
    "scan": (595.0, 842.0, "ocr"),
    "slide": (720.0, 405.0, "text_layer"),
    "card": (856.0, 540.0, "ocr"),
    "slip": (400.0, 1100.0, "ocr"),
}
LARGE = "= "
NONE = "none"

Results = list[tuple[str, str, ClassificationResult]]


def read(path: Path) -> list[tuple[str, Document]]:
    """The documents of a file, each with its language."""
    documents = []
    for block in path.read_text(encoding="utf-8").split("--- ")[1:]:
        heading, *lines = block.splitlines()
        language, _, shape = heading.partition(" ")
        width, height, source = SHAPES[shape or "page"]
        sizes = {line.removeprefix(LARGE): 20.0 for line in lines if line.startswith(LARGE)}
        text = [line.removeprefix(LARGE) for line in lines]
        page = page_of(*text, width=width, height=height, source=source, sizes=sizes)
        documents.append((language, Document(Format.IMAGE, 1, iter([ReadPage(page)]), is_image=True)))
    return documents


@pytest.fixture(scope="module")
def results() -> Results:
    files = sorted(Path(__file__).with_name("documents").glob("*.txt"))
    classifier = Classifier([Category(file.stem) for file in files if file.stem != NONE])
    return [
        (file.stem, language, classifier.classify_document(document))
        for file in files
        for language, document in read(file)
    ]


def share_right(results: Results) -> float:
    return sum(result.classification == category for category, _, result in results) / len(results)


def test_documents_get_their_category(results: Results) -> None:
    inside = [found for found in results if found[0] != NONE]
    assert share_right(inside) >= 0.97
    assert share_right([found for found in inside if found[1] != "en"]) >= 0.97


def test_every_category_is_recognised(results: Results) -> None:
    for category in {category for category, *_ in results} - {NONE}:
        assert share_right([found for found in results if found[0] == category]) >= 0.9, category


def test_hardly_a_document_of_another_kind_is_sure(results: Results) -> None:
    sure = [result.confidence >= 0.9 for category, _, result in results if category == NONE]
    assert sum(sure) <= 0.05 * len(sure)
