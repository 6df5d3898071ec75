from __future__ import annotations

import threading

import pytest

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record import Ledger, outstanding
from airflow_provider_classify.exceptions import BatchRecordLost, DocumentCorrupt

A, B, C = (Item(f"{name}.pdf", f"intent-{name}") for name in "abc")
RESULT = {"classification": "letter", "confidence": 0.9}


@pytest.fixture(params=["path", "URI"])
def folder(request, tmp_path):
    prefix = "" if request.param == "path" else "file://"
    return f"{prefix}{tmp_path}/batch/out.parts"


def test_what_one_process_noted_another_reads(folder):
    with Ledger(folder) as ledger:
        ledger.submitted(A, "job-a")
        ledger.submitted(B, "job-b")
        ledger.ended(B, RESULT)
        ledger.failed(C, DocumentCorrupt("c.pdf is damaged."))
    progress = Ledger(folder).progress()
    assert progress.submitted == {A.intent: "job-a"}
    assert progress.classified == {B.intent}
    assert progress.failed == {C.intent: 1}
    assert progress.under_way([A, B, C]) == {A: "job-a"}
    assert outstanding([A, B, C], progress) == [A, C]


def test_another_machine_takes_a_packed_record_over_whatever_an_earlier_try_left_there(folder, tmp_path):
    with Ledger(f"{tmp_path}/elsewhere") as earlier:
        earlier.plan([A])
        earlier.submitted(A, "earlier-job")
    with Ledger(folder) as ledger:
        ledger.plan([A, B, C])
        ledger.submitted(A, "job-a")
        ledger.ended(B, RESULT)
        ledger.failed(C, DocumentCorrupt("c.pdf is damaged."))
    elsewhere = Ledger(f"{tmp_path}/elsewhere")
    elsewhere.unpack(ledger.packed([A, B, C]))
    assert elsewhere.planned() == [A, B, C]
    assert elsewhere.progress() == ledger.progress()
    assert [line["document"] for line in elsewhere.lines([B])] == [B.document]


def test_a_packed_record_adds_nothing_to_its_own(folder):
    with Ledger(folder) as ledger:
        ledger.plan([A])
        ledger.failed(A, DocumentCorrupt("a.pdf is damaged."))
    ledger.unpack(ledger.packed([A]))
    assert ledger.progress().failed == {A.intent: 1}


def test_an_empty_record_is_a_new_batch(folder):
    progress = Ledger(folder).progress()
    assert not progress.submitted
    assert not progress.classified


def test_the_last_end_of_a_document_counts(folder):
    with Ledger(folder) as ledger:
        ledger.failed(A, DocumentCorrupt("a.pdf is damaged."))
    with Ledger(folder) as ledger:
        ledger.ended(A, RESULT)
        ledger.ended(B, RESULT)
    assert {line["document"]: line.get("classification") for line in ledger.lines([A, B])} == {
        "a.pdf": "letter",
        "b.pdf": "letter",
    }
    assert [line["document"] for line in ledger.lines([B])] == ["b.pdf"]
    assert Ledger(folder).progress().failed == {A.intent: 1}


def test_a_lost_job_is_submitted_anew(folder):
    with Ledger(folder) as ledger:
        ledger.submitted(A, "job-a")
        ledger.lost(A)
    assert Ledger(folder).progress().under_way([A]) == {}
    assert outstanding([A], Ledger(folder).progress()) == [A]


def test_many_threads_note_at_once(folder):
    items = [Item(f"{n}.pdf", f"intent-{n}") for n in range(400)]
    with Ledger(folder) as ledger:
        threads = [
            threading.Thread(target=lambda part: [ledger.ended(item, RESULT) for item in part], args=(items[n::8],))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Ledger(folder).progress().classified == {item.intent for item in items}


def test_the_plan_of_a_try(folder):
    Ledger(folder).plan([A, B])
    Ledger(folder).plan([B, C])
    assert Ledger(folder).planned() == [B, C]


def test_a_plan_that_cannot_be_reached_says_what_to_do(folder):
    with pytest.raises(BatchRecordLost, match="give the task an output"):
        Ledger(folder).planned()


def test_nothing_is_left_of_a_record_that_is_removed(folder):
    with Ledger(folder) as ledger:
        ledger.plan([A])
        ledger.ended(A, RESULT)
    ledger.remove()
    assert not Ledger(folder).progress().classified
    with pytest.raises(BatchRecordLost):
        ledger.planned()
    ledger.remove()
