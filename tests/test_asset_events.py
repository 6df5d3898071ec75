"""What asset events say of documents."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_classify.asset_events import (
    arrived_documents,
    documents_of,
    extra_of_batch,
    extra_of_result,
    require_event,
)
from airflow_provider_classify.exceptions import BatchEmpty


def events(**extras):
    return {name: [SimpleNamespace(extra=extra) for extra in group] for name, group in extras.items()}


ARRIVED = {"from_trigger": True, "payload": {"folder": "in", "documents": [{"document": "in/a.pdf", "size": 1}]}}
RESULT = {"document": "in/b.pdf", "classification": "letter", "confidence": 0.9, "total_pages": 1}


def test_all_three_kinds_name_their_documents():
    of_result = extra_of_result(RESULT)
    of_batch = extra_of_batch("letter", [RESULT, {"document": "in/c.pdf"}], 2, "out.jsonl")
    assert of_result == {"document": "in/b.pdf", "category": "letter", "confidence": 0.9}
    assert of_batch["count"] == 2
    assert of_batch["output"] == "out.jsonl"
    assert documents_of(events(a=[ARRIVED, of_result], b=[of_batch])) == [
        {"document": "in/a.pdf", "size": 1},
        {"document": "in/b.pdf", "category": "letter", "confidence": 0.9},
        {"document": "in/b.pdf", "category": "letter", "confidence": 0.9},
        {"document": "in/c.pdf", "category": None, "confidence": None},
    ]


def test_a_task_gets_each_reference_once():
    assert arrived_documents({"triggering_asset_events": events(a=[ARRIVED, ARRIVED], b=[RESULT])}, None) == [
        "in/a.pdf",
        "in/b.pdf",
    ]


def test_a_run_without_an_event_is_told_apart_from_an_event_without_documents():
    require_event({"triggering_asset_events": events(a=[None])})
    with pytest.raises(BatchEmpty, match="not started by an asset event"):
        require_event({"triggering_asset_events": {}})


def test_events_of_other_origins_are_left_out():
    others = [None, {}, {"payload": "text"}, {"payload": {"documents": "text"}}, {"documents": [1, {"document": 2}]}]
    assert documents_of(events(a=others)) == []


def test_an_event_under_its_asset_and_its_alias_is_one_event():
    [event] = events(asset=[RESULT])["asset"]
    assert len(documents_of({"asset": [event], "alias": [event]})) == 1
