"""
Short documents of twenty categories in many languages, as recognition might read them.

``short_documents.txt`` has one a line, invented: category, language, then the lines of its page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.categories import Category
from airflow_provider_classify.engine.classifier import Classifier
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import Document
from airflow_provider_classify.engine.reading.document import ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from tests.support.pages import page_of

DOCUMENTS = [
    line.split("|") for line in Path(__file__).with_name("short_documents.txt").read_text(encoding="utf-8").splitlines()
]
CATEGORIES = sorted({category for category, *_ in DOCUMENTS})


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier([Category(name) for name in CATEGORIES])


def page(category: str, lines: list[str]) -> Page:
    if category == "presentation":
        return page_of(*lines, width=720.0, height=405.0, source="ocr")
    return page_of(*lines, source="ocr")


@pytest.mark.parametrize(
    ("category", "lines"),
    [pytest.param(category, lines, id=f"{language}-{lines[0]}") for category, language, *lines in DOCUMENTS],
)
def test_short_document(classifier: Classifier, category: str, lines: list[str]) -> None:
    document = Document(Format.IMAGE, 1, iter([ReadPage(page(category, lines))]), is_image=True)
    assert classifier.classify_document(document).classification == category
