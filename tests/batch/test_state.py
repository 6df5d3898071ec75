from __future__ import annotations

import pytest

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record_entry import Entry, State
from airflow_provider_classify.batch.state import BatchState
from airflow_provider_classify.exceptions import DocumentCorrupt

ITEM = Item("a.pdf", "fingerprint-a")
FAILED = Entry.failure(ITEM.fingerprint, DocumentCorrupt("damaged"), "job-1")
RESULT = {"classification": "letter", "confidence": 0.5}


def state_of(*entries: Entry) -> BatchState:
    state = BatchState()
    for entry in entries:
        state.add(entry)
    return state


@pytest.mark.parametrize(
    "later",
    [
        [],
        [Entry(ITEM.fingerprint, State.SUBMITTED, "job-2")],
        [Entry(ITEM.fingerprint, State.CLASSIFIED, "job-2", RESULT)],
        [Entry(ITEM.fingerprint, State.ESCALATED, "job-2", RESULT)],
        [Entry(ITEM.fingerprint, State.ESCALATED, "job-2", RESULT), Entry(ITEM.fingerprint, State.SUBMITTED, "job-3")],
    ],
    ids=["failed", "submitted again", "classified", "escalated", "waits for the second connection"],
)
def test_the_entries_of_a_state_give_the_same_state(later: list[Entry]) -> None:
    state = state_of(FAILED, FAILED, *later)
    again = state_of(*state.entries([ITEM]))
    for known in (state, again):
        assert known.failures(ITEM) == 2
    assert again.pending([ITEM]) == state.pending([ITEM])
    assert again.result(ITEM) == state.result(ITEM)
    assert again.first_outcome(ITEM) == state.first_outcome(ITEM)
    assert list(again.rows([ITEM])) == list(state.rows([ITEM]))
