"""What Airflow's metrics count of an answer, and the values of their tags."""

from __future__ import annotations

import pytest

from airflow_provider_classify.exceptions import DocumentCorrupt
from airflow_provider_classify.model import measurements
from airflow_provider_classify.model.measurements import Count, Duration
from airflow_provider_classify.model.result import ClassificationResult

LETTER = {"success": True, "classification": "letter", "confidence": 0.9, "total_pages": 1, "processed_pages": 1}


def test_an_answer_is_completed_with_its_category():
    result = ClassificationResult.from_json(LETTER)
    expected = Count("classify.completed", 1, {"backend": "api", "category": "letter"})
    assert measurements.ended("api", result) == expected
    assert measurements.of_value("api", LETTER) == expected


def test_a_document_without_an_answer_is_failed_with_the_kind_of_its_error():
    expected = Count("classify.failed", 1, {"backend": "local", "error_kind": "DocumentCorrupt"})
    assert measurements.ended("local", DocumentCorrupt("It is damaged.")) == expected
    assert measurements.of_value("local", {"error": "…", "error_kind": "DocumentCorrupt"}) == expected


def test_a_blank_document_has_no_category():
    assert measurements.completed("local", None).tags["category"] == measurements.BLANK
    assert measurements.completed("local", "-blank").tags["category"] != measurements.BLANK


def test_a_clock_that_was_set_back_gives_no_negative_time():
    assert measurements.waited("api", -3.0) == Duration("classify.duration", 0.0, {"backend": "api"})


@pytest.mark.parametrize(
    ("category", "tag"),
    [
        ("invoice", "invoice"),
        ("purchase order", "purchase_order"),
        ("Kündigung", "Kundigung"),
        ("tax/2024", "tax/2024"),
        ("a=b,c", "a_b_c"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_tag_has_only_characters_that_statsd_accepts(category, tag):
    assert measurements.tag_of(category) == tag


def test_names_of_another_script_have_different_tags():
    tags = {measurements.tag_of(name) for name in ("счёт", "акт", "письмо", "請求書")}
    assert len(tags) == 4
    assert all(tag.isascii() for tag in tags)
    assert measurements.tag_of("счёт") == measurements.tag_of("счёт")
