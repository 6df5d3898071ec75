"""The figures of a page."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_provider_classify.plugins.documents import LOW_CONFIDENCE, BatchSummary, Document
from airflow_provider_classify.plugins.statistics import (
    BARS,
    BLANK,
    FAILED,
    MAX_CATEGORIES,
    NONE,
    OTHERS,
    bar,
    by_day,
    figures,
    recent_runs,
)


def document(category="invoice", confidence=0.9, day=27, state="classified", run_id="run", **more):
    return Document(
        run_id, "classify", -1, datetime(2026, 11, day, 23, 59, tzinfo=UTC), "a.pdf", None, state, category,
        confidence, **more,
    )  # fmt: skip


def batch(day=27, **categories):
    at = datetime(2026, 11, day, tzinfo=UTC)
    return BatchSummary("batch", "b", -1, at, "o.jsonl", sum(categories.values()) + 3, 1, 2, 4, categories)


@pytest.mark.parametrize(
    ("confidence", "expected"), [(0.0, 0), (0.0499, 0), (0.05, 1), (0.999, BARS - 1), (1.0, BARS - 1)]
)
def test_the_bar_of_a_confidence(confidence, expected):
    assert bar(confidence) == expected


def test_figures_count_documents_and_batches():
    counted = figures(
        [
            document(),
            document("letter", 0.3, reviewed_by="Mira", reviewed_in=("ask", 0)),
            document(None, None, state="blank"),
            document(None, None, state="failed", error="damaged"),
            document(is_escalated=True),
            document("invoice", LOW_CONFIDENCE - 0.01),
            document("invoice", LOW_CONFIDENCE),
        ],
        [batch(invoice=5)],
    )
    assert (counted.documents, counted.reviewed, counted.escalated, counted.failed, counted.blank) == (15, 1, 5, 2, 3)
    assert (counted.listed, counted.doubtful) == (7, 1)  # the one that a person has answered does not count
    assert counted.categories == {"invoice": 9, "letter": 1}
    assert sum(counted.histogram) == 4  # a person's answer says nothing about the classifier
    assert list(counted.to_json()["categories"]) == ["invoice", "letter"]


def test_days_without_documents_are_zero_and_special_series_come_last():
    found = by_day(
        [document(day=25), document("letter", day=27), document(None, None, day=27, state="failed"), document(day=27)],
        [batch(day=26, contract=4)],
        first=date(2026, 11, 24),
        last=date(2026, 11, 27),
    )
    assert found["days"] == ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"]
    assert found["series"] == {
        "contract": [0, 0, 4, 0],
        "invoice": [0, 1, 0, 1],
        "letter": [0, 0, 0, 1],
        BLANK: [0, 0, 2, 0],
        FAILED: [0, 0, 1, 1],
    }


def test_rare_categories_are_added_up():
    documents = [document(f"c{number:02}") for number in range(MAX_CATEGORIES + 5) for _ in range(number + 1)]
    day = date(2026, 11, 27)
    series = by_day(documents, [], first=day, last=day)["series"]
    assert list(series)[-1] == OTHERS
    assert len(series) == MAX_CATEGORIES + 1
    assert sum(count for [count] in series.values()) == len(documents)


def test_the_newest_runs_come_first():
    runs = recent_runs(
        [document(run_id="a", day=1), document(run_id="b", day=3), document(run_id="a", day=2)], [batch(day=9)]
    )
    assert [(run["run_id"], run["documents"]) for run in runs] == [("batch", 3), ("b", 1), ("a", 2)]
    assert [(run["doubtful"], run["failed"]) for run in runs] == [(None, 1), (0, 0), (0, 0)]
    [run] = recent_runs([document(confidence=0.1), document(None, None, state="failed")], [])
    assert (run["documents"], run["doubtful"], run["none"], run["failed"]) == (2, 1, 0, 1)
    [run] = recent_runs([document(confidence=0.9, is_probably_none=True)], [])
    assert (run["documents"], run["doubtful"], run["none"]) == (1, 0, 1)


def test_a_document_that_no_category_fits_is_counted_apart():
    found = [document(), document(confidence=0.9, is_probably_none=True)]
    counted = figures(found)
    assert (counted.categories, counted.none, counted.doubtful) == ({"invoice": 1}, 1, 0)
    days = by_day(found, [], first=date(2026, 11, 27), last=date(2026, 11, 27))
    assert days["series"] == {"invoice": [1], NONE: [1]}
