"""The documents of a page, from values in XCom."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from airflow_provider_classify.plugins.documents import LOW_CONFIDENCE, merge, select
from airflow_provider_classify.plugins.page import STATIC
from airflow_provider_classify.plugins.statistics import MAX_CATEGORIES
from airflow_provider_classify.plugins.values import MAX_EVIDENCE, Stored, decode, documents_of, manifest_of

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def result(name="a.pdf", category="invoice", confidence=0.9, job_id="job-a", **more):
    return {"job_id": job_id, "document": f"s3://aws@in/{name}", "success": True, "classification": category} | {
        "confidence": confidence,
        **more,
    }


def stored(value, task_id="classify", map_index=-1):
    return Stored("run", task_id, map_index, AT, value)


def documents(*values):
    return merge(document for value in values for document in documents_of(value))


def test_a_result_has_its_runner_up_and_its_evidence():
    evidence = [
        {"text": "Invoice", "line": "Invoice number 4711", "page": 1, "type": "invoice", "box": [0, 0.1, 1, 0.2]}
    ]
    value = result(scores={"invoice": 0.9, "letter": 0.02, "contract": 0.08}, page_results=[{"evidence": evidence}])
    [document] = documents(stored(value))
    assert (document.name, document.category, document.confidence) == ("a.pdf", "invoice", 0.9)
    assert document.runner_up == ("contract", 0.08)
    [found] = document.evidence
    box = [0.0, 0.1, 1.0, 0.2]
    assert found == {
        "text": "Invoice number 4711",
        "is_quotation": True,
        "page": 1,
        "type": "invoice",
        "box": box,
    }


@pytest.mark.parametrize(
    ("confidence", "scores", "expected"),
    [
        (0.02, {"invoice": 0.9, "letter": 0.1}, True),
        (0.5, {"invoice": 0.6, "letter": 0.4}, False),
        (0.02, None, False),
        (None, {"invoice": 0.9}, False),
        ("low", {"invoice": 0.9}, False),
        (0.02, {"invoice": "high"}, False),
    ],
)
def test_a_document_probably_belongs_to_none_of_the_categories(confidence, scores, expected):
    [document] = documents(stored(result(confidence=confidence, scores=scores)))
    assert document.is_probably_none is document.to_json()["is_probably_none"] is expected
    if expected:
        assert round(document.confidence, 6) == 0.977778  # of the answer that no category fits


@pytest.mark.parametrize(
    ("confidence", "scores", "expected"),
    [
        (0.54, {"invoice": 0.9, "letter": 0.1}, (None, 0.4)),
        (0.54, {"invoice": 0.6, "letter": 0.4}, ("letter", 0.36)),
        (0.9, {"invoice": 1.0, "letter": 0.0}, (None, 0.1)),
        (1.0, {"invoice": 1.0, "letter": 0.0}, None),
        (0.9, None, None),
    ],
)
def test_the_runner_up_may_be_none_of_these(confidence, scores, expected):
    [document] = documents(stored(result(confidence=confidence, scores=scores)))
    if expected is None:
        assert document.runner_up is None
    else:
        name, probability = document.runner_up
        assert (name, round(probability, 6)) == expected


@pytest.mark.parametrize(("confidence", "probability"), [(0.09, 0.09), (0.0, 0.0001)])
def test_the_runner_up_of_none_of_these_is_the_nearest_category(confidence, probability):
    [document] = documents(stored(result(confidence=confidence, scores={"invoice": 0.9, "letter": 0.1})))
    name, value = document.runner_up
    assert (name, round(value, 6)) == ("invoice", probability)
    assert round(document.confidence, 6) == round(1 - probability / 0.9, 6)


def test_a_person_may_answer_none_of_these_or_correct_it():
    low = {"scores": {"invoice": 0.9, "letter": 0.1}, "reviewed_at": "2026-11-27", "job_id": "1"}
    predicted = {"classification": "invoice", "confidence": 0.02}
    [none] = documents(stored(result(category="none of these", reviewed_by="Mira", predicted=predicted, **low)))
    assert (none.is_probably_none, none.predicted, none.runner_up) == (True, "none of these", None)
    [corrected] = documents(stored(result(category="invoice", reviewed_by="Mira", predicted=predicted, **low)))
    assert (corrected.is_probably_none, corrected.predicted) == (False, "none of these")
    [unanswered] = documents(
        stored(result(category="invoice", confidence=0.02, reviewed_by=None, predicted=predicted, **low))
    )
    assert (unanswered.is_probably_none, unanswered.predicted) == (True, "none of these")


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (result(), "classified"),
        (result(category=None, blank=True, confidence=0.0), "blank"),
        ({"job_id": None, "document": "a.pdf", "success": False, "classification": None, "confidence": 0.0}, "failed"),
        (result(error="It is damaged."), "failed"),
    ],
)
def test_the_state_of_a_document(value, state):
    [document] = documents(stored(value))
    assert document.state == state
    assert (document.error is not None) == (state == "failed")


@pytest.mark.parametrize(
    "value", [None, 3, "classification", "job-id", [], [1, "classification"], {"a": 1}, {"classification": "x"}]
)
def test_other_values_are_no_documents(value):
    assert documents(stored(value)) == []
    assert manifest_of(stored(value)) is None


def test_a_list_has_many_documents():
    values = [result(f"{number}.pdf", job_id=None) for number in range(3)]
    assert [document.name for document in documents(stored(values))] == ["0.pdf", "1.pdf", "2.pdf"]


def test_a_result_that_another_task_passes_on_counts_once():
    passed_on = documents(stored(result()), stored(result(), task_id="branch"))
    assert [document.task_id for document in passed_on] == ["classify"]


@pytest.mark.parametrize("job_id", ["job-a", None])
def test_the_answer_of_a_person_replaces_the_category(job_id):
    answer = result(
        category="contract", confidence=1.0, job_id=job_id, reviewed_by="Mira", reviewed_at="…",
        predicted={"classification": "invoice", "confidence": 0.4},
    )  # fmt: skip
    review = stored(answer, task_id="ask", map_index=2)
    original = stored(result(job_id=job_id), map_index=7)
    for values in ((original, review), (review, original)):
        [document] = documents(*values)
        assert (document.category, document.predicted, document.reviewed_by) == ("contract", "invoice", "Mira")
        assert (document.task_id, document.map_index) == ("classify", 7)
        assert document.is_of("classify", 7)
        assert document.is_of("ask", 2)
        assert document.is_of("ask", None)
        assert not document.is_of("ask", 7)


def test_a_review_that_nobody_answered_is_not_reviewed():
    [document] = documents(stored(result(reviewed_by=None, reviewed_at="…")))
    assert not document.is_reviewed


def test_documents_are_filtered_and_sorted():
    found = documents(
        *(
            stored(result(name, category, confidence, job_id=name))
            for name, category, confidence in [
                ("b.pdf", "invoice", 0.9),
                ("A.pdf", "letter", 0.49),
                ("c.pdf", None, 0.0),
            ]
        )
    )
    names = [document.name for document in select(found, order="name")]
    assert names == ["A.pdf", "b.pdf", "c.pdf"]
    assert [document.name for document in select(found, order="doubtful")] == ["c.pdf", "A.pdf", "b.pdf"]
    assert [document.name for document in select(found, category="letter")] == ["A.pdf"]
    assert [document.name for document in select(found, category=":blank")] == ["c.pdf"]
    assert [document.name for document in select(found, category=":doubtful")] == ["A.pdf"]
    assert [document.name for document in select(found, text="a.PDF")] == ["A.pdf"]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("invoice", ["sure.pdf"]),
        (":none", ["none.pdf"]),
        (":doubtful", ["low.pdf"]),
        (":escalated", ["escalated.pdf"]),
        (":reviewed", ["asked.pdf"]),
        (":failed", []),
    ],
)
def test_groups_of_documents(choice, names):
    found = documents(
        stored(result("sure.pdf", job_id="1")),
        stored(result("low.pdf", "contract", 0.4, job_id="5")),
        stored(result("none.pdf", confidence=0.0, scores={"invoice": 1.0}, job_id="2")),
        stored(result("escalated.pdf", "letter", escalated=True, job_id="3")),
        stored(result("asked.pdf", "letter", reviewed_by="Mira", reviewed_at="2026-11-27", job_id="4")),
    )
    assert [document.name for document in select(found, category=choice)] == names


def test_the_browser_and_the_server_agree_when_a_confidence_is_low():
    assert f"export const LOW = {LOW_CONFIDENCE};" in (STATIC / "evidence.js").read_text()


def test_the_browser_has_a_colour_for_each_category_of_a_chart():
    [colours] = re.findall(r"^const COLOURS = (.*);$", (STATIC / "charts.js").read_text(), re.MULTILINE)
    assert len(set(json.loads(colours))) == MAX_CATEGORIES


def test_hostile_values_are_cut_and_dropped():
    hostile = {"page": "one", "box": [0, 0, 2, "x"]}
    value = result(
        category="x" * 5000,
        confidence="high",
        scores={"a": float("nan"), "b": True, "c": 7, "d": 0.1},
        page_results=[{"evidence": [hostile | {"text": "t" * 9000 + str(number)} for number in range(500)]}],
    )  # fmt: skip
    [document] = documents(stored(value))
    assert len(document.category) < 400
    assert document.confidence is None
    assert document.runner_up is None  # without a confidence, a score is not a probability
    assert len(document.evidence) <= MAX_EVIDENCE
    assert all(
        len(found["text"]) < 400 and found["box"] is None and found["page"] is None for found in document.evidence
    )


def test_the_label_has_no_secret():
    [document] = documents(stored(result() | {"document": "https://me:pass@host/a.pdf?sig=abc"}))
    assert document.to_json()["label"] == "https://host/a.pdf"


def test_a_manifest_is_a_batch():
    manifest = {
        "documents": 12, "classified": 10, "failed": 2, "blank": 1, "escalated": 3, "categories": {"invoice": 9},
        "failures": [{"document": "x.pdf", "error": "x.pdf is damaged."}, 3], "output": "s3://me@out/a.jsonl",
    }  # fmt: skip
    batch = manifest_of(stored(manifest))
    assert (batch.documents, batch.failed, batch.blank, batch.escalated) == (12, 2, 1, 3)
    assert batch.categories == {"invoice": 9}
    assert batch.failures == ({"document": "x.pdf", "error": "x.pdf is damaged."},)
    assert not batch.is_shard
    assert manifest_of(stored(manifest | {"output": "/out/a.jsonl.parts/shard-1.jsonl"})).is_shard


def test_values_are_text_or_json():
    assert decode('{"a": 1}') == {"a": 1}
    assert decode({"a": 1}) == {"a": 1}
    assert decode("no json") == "no json"
