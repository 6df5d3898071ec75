from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_classify.routing import route

ROUTES = {"invoice": "pay", "contract": "legal"}


def chosen(result: dict[str, Any] | None, minimum_confidence: float = 0.7) -> str:
    return route(result, ROUTES, otherwise="archive", review="person", minimum_confidence=minimum_confidence)


@pytest.mark.parametrize(
    ("classification", "confidence", "expected"),
    [
        ("invoice", 0.9, "pay"),
        ("contract", 0.7, "legal"),
        ("contract", 0.69, "person"),
        ("letter", 0.9, "archive"),
        ("letter", 0.1, "person"),
        (None, 0.0, "person"),
        (None, 1.0, "person"),
    ],
)
def test_a_result_goes_where_it_should(classification: str | None, confidence: float, expected: str) -> None:
    assert chosen({"classification": classification, "confidence": confidence}) == expected


def test_no_result_goes_to_review() -> None:
    assert chosen(None) == "person"
    assert chosen({}) == "person"


def test_without_a_minimum_every_answer_counts_but_none() -> None:
    assert chosen({"classification": "invoice", "confidence": 0.0}, minimum_confidence=0) == "pay"
    assert chosen(None, minimum_confidence=0) == "person"


def test_a_document_that_cannot_be_read_goes_to_review() -> None:
    error = {"success": False, "error": "a.pdf is damaged.", "error_kind": "DocumentCorrupt"}
    assert chosen(error, minimum_confidence=0) == "person"
    assert chosen(error | {"classification": "invoice", "confidence": 0.9}) == "person"
