"""The engine on the documents that were written for the tests."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.written import NONE, as_document, written_documents

Results = list[tuple[str, str, ClassificationResult]]


@pytest.fixture(scope="module")
def results() -> Results:
    documents = list(written_documents())
    classifier = Classifier([Category(name) for name in sorted({d.category for d in documents} - {NONE})])
    return [(d.category, d.language, classifier.classify_document(as_document(d))) for d in documents]


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
