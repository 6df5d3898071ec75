"""A blank document is a success without a category, over the wire and in a route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_classify.batch.summary import Summary
from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.polling import answer, describe_answer
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from airflow_provider_classify.routing import route

BLANK_PAGE = PageResult(1, success=True, classification=None, confidence=0.0, blank=True)
BLANK = ClassificationResult(
    success=True, classification=None, confidence=0.0, total_pages=1, processed_pages=1,
    page_results=(BLANK_PAGE,), blank=True,
)  # fmt: skip
IMAGE = ClassificationResult(True, None, 0.0, 1, 1, blank=True)


@pytest.mark.parametrize("result", [BLANK, IMAGE])
def test_it_comes_out_as_it_went_in(result: ClassificationResult) -> None:
    sent = json.loads(json.dumps(result.to_json()))
    assert (sent["success"], sent["classification"], sent["confidence"], sent["blank"]) == (True, None, 0.0, True)
    assert ClassificationResult.from_json(sent) == result


def test_it_is_an_answer_and_no_failure() -> None:
    job = Job.from_json(Job("8a1c", JobStatus.COMPLETED, result=BLANK).to_json())
    assert answer(job, "scan.pdf") == BLANK


@pytest.mark.parametrize("minimum_confidence", [0.0, 0.5])
def test_it_is_reviewed(minimum_confidence: float) -> None:
    chosen = route(
        BLANK.to_json(), {"invoice": "pay"}, otherwise="archive", review="person", minimum_confidence=minimum_confidence
    )
    assert chosen == "person"


def test_a_document_with_text_does_not_say_blank() -> None:
    page = PageResult(1, True, "invoice", 0.9)
    result = ClassificationResult(True, "invoice", 0.9, 1, 1, (page,))
    assert "blank" not in result.to_json()
    assert "blank" not in page.to_json()


def test_a_blank_page_beside_a_failed_one_leaves_the_answer_alone() -> None:
    pages = [
        BLANK_PAGE.to_json(),
        {"page": 2, "success": False, "classification": "invoice", "confidence": 0.0, "error": "damaged"},
        {"page": 3, "success": True, "classification": "letter", "confidence": 0.8},
    ]
    sent: dict[str, Any] = {
        "success": True, "classification": "invoice", "confidence": 0.9,
        "total_pages": 3, "processed_pages": 3, "page_results": pages,
    }  # fmt: skip
    read = ClassificationResult.from_json(sent)
    assert (read.classification, read.blank, [page.blank for page in read.page_results]) == (
        "letter",
        False,
        [True, False, False],
    )


@pytest.mark.parametrize("blank", [False, None])
def test_a_success_without_a_category_is_not_the_contracts_unless_blank(blank: bool | None) -> None:
    sent = {"success": True, "classification": None, "confidence": 0.5, "total_pages": 1, "blank": blank}
    with pytest.raises(InvalidReply, match="classification"):
        ClassificationResult.from_json(sent)


def test_a_log_line_says_blank() -> None:
    assert describe_answer(BLANK) == "blank"
    assert describe_answer(ClassificationResult(True, "letter", 0.91, 1, 1)) == "letter (confidence 0.91)"


def test_a_batch_counts_blank_documents_apart_from_the_categories() -> None:
    summary = Summary()
    letter = ClassificationResult(True, "letter", 0.9, 1, 1)
    rows = [{"document": "a.pdf", **result.to_json()} for result in (BLANK, letter, IMAGE)]
    assert list(summary.count(rows)) == rows
    manifest = summary.manifest("out.jsonl")
    assert (manifest["documents"], manifest["classified"], manifest["blank"]) == (3, 3, 2)
    assert manifest["categories"] == {"letter": 1}
