"""A result without the text of the document."""

from __future__ import annotations

import json

from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.without_text import without_text

PAGE = {
    "page": 1,
    "success": True,
    "classification": "invoice",
    "confidence": 0.9,
    "raw_result": "It is addressed to SECRET",
    "text_source": "ocr",
    "evidence": [{"text": "invoice number", "line": "Invoice number SECRET", "box": [0, 0, 1, 1], "page": 1}],
    "nearest_example": {"document": "examples/a.pdf", "likeness": 0.7},
    "transcript": "SECRET",
}
RESULT = {
    "success": True,
    "classification": "invoice",
    "confidence": 0.9,
    "total_pages": 2,
    "processed_pages": 2,
    "page_results": [
        PAGE,
        {"page": 2, "success": False, "classification": None, "confidence": 0.0, "error": "blurred"},
    ],
    "scores": {"invoice": 0.9, "letter": 0.1},
    "language": "en",
    "none_of_these": True,
    "suggested_type": "delivery note",
    "reasoning": {"because": ["SECRET"]},
    "attachments": [
        {"name": "a.pdf", **{key: value for key, value in PAGE.items() if key != "page"}, "total_pages": 1},
        {"name": "b.pdf", "success": False, "error": "b.pdf is damaged."},
        "SECRET",
    ],
}


def test_no_field_with_text_is_left_at_any_depth() -> None:
    assert "SECRET" in json.dumps(RESULT)
    assert "SECRET" not in json.dumps(without_text(RESULT))


def test_all_else_is_kept() -> None:
    kept = without_text(RESULT)
    assert {"scores", "language", "classification", "confidence", "page_results"} <= set(kept)
    assert (kept["none_of_these"], kept["suggested_type"]) == (True, "delivery note")
    assert kept["page_results"][0]["nearest_example"] == {"document": "examples/a.pdf", "likeness": 0.7}
    assert kept["page_results"][1]["error"] == "blurred"
    assert kept["attachments"] == [
        {
            "name": "a.pdf",
            "success": True,
            "classification": "invoice",
            "confidence": 0.9,
            "text_source": "ocr",
            "nearest_example": {"document": "examples/a.pdf", "likeness": 0.7},
            "total_pages": 1,
        },
        {"name": "b.pdf", "success": False, "error": "b.pdf is damaged."},
    ]


def test_it_is_still_a_result() -> None:
    kept = ClassificationResult.from_json(without_text(RESULT))
    assert (kept.classification, len(kept.page_results)) == ("invoice", 2)
