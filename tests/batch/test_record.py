from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.record_entry import Entry, State
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import (
    BatchRecordLost,
    DocumentCorrupt,
    StorageError,
)
from tests.support.waiting import wait_until

TASK = TaskAddress("dag", "t", "scheduled__2026-11-23T00:00:00+00:00")
A, B, C = (Item(f"{name}.pdf", f"fingerprint-{name}") for name in "abc")
RESULT = {"classification": "letter", "confidence": 0.9}


@pytest.fixture(params=["path", "URI"])
def folder(request, tmp_path):
    prefix = "" if request.param == "path" else "file://"
    return f"{prefix}{tmp_path}/batch/out.jsonl.parts"


def new(folder, task=TASK):
    return BatchRecord.load(str(folder), task)


def written(folder, *items):
    """A record with results of these documents."""
    with new(folder) as record:
        record.plan.write(items)
        for item in items:
            record.classified(item, RESULT, f"job-{item.document}")
    return record


def parts_of(folder):
    return sorted(Path(str(folder).removeprefix("file://"), TASK.safe_name).iterdir())


def test_another_process_reads_what_one_has_noted(folder):
    with new(folder) as record:
        record.submitted(A, "job-a")
        record.submitted(B, "job-b")
        record.classified(B, RESULT, "job-b")
        record.failed(C, DocumentCorrupt("c.pdf is damaged."))
    for state in (record.state, new(folder).state):
        assert state.job_ids() == ["job-a"]
        assert state.pending([A, B, C]) == {A: "job-a"}
        assert state.outstanding([A, B, C]) == [C]
        assert state.without_end([A, B, C]) == [A]
        assert [state.failures(item) for item in (A, B, C)] == [0, 0, 1]
        assert list(state.rows([A, B, C])) == [
            {"document": "b.pdf", "intent": "fingerprint-b", "job_id": "job-b", **RESULT},
            {
                "document": "c.pdf",
                "intent": "fingerprint-c",
                "success": False,
                "classification": None,
                "confidence": 0.0,
                "error": "c.pdf is damaged.",
                "error_kind": "DocumentCorrupt",
            },
        ]


def test_the_last_end_of_a_document_counts(folder):
    with new(folder) as record:
        record.failed(A, DocumentCorrupt("a.pdf is damaged."))
    with new(folder) as record:
        record.classified(A, RESULT)
    state = new(folder).state
    assert [row["classification"] for row in state.rows([A])] == ["letter"]
    assert state.failures(A) == 1
    assert state.outstanding([A]) == []


def test_a_lost_job_is_submitted_anew(folder):
    with new(folder) as record:
        record.submitted(A, "job-a")
        record.lost(A)
    state = new(folder).state
    assert state.pending([A]) == {}
    assert state.outstanding([A]) == [A]


def test_many_threads_note_at_once(folder):
    items = [Item(f"{n}.pdf", f"fingerprint-{n}") for n in range(400)]
    with new(folder) as record:
        threads = [
            threading.Thread(
                target=lambda part: [record.classified(item, RESULT) for item in part], args=(items[n::8],)
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(list(new(folder).state.rows(items))) == 400


def test_nothing_is_left_of_a_record_that_is_removed(folder):
    record = written(folder, A)
    record.remove()
    assert not Path(folder.removeprefix("file://")).exists()
    assert list(new(folder).state.rows([A])) == []
    with pytest.raises(BatchRecordLost):
        record.plan.read_items()
    record.remove()


class TestCutOff:
    @pytest.mark.parametrize("cut", [1, 30, 80])
    def test_a_cut_off_last_line_is_dropped(self, folder, cut):
        written(folder, A, B)
        *_, part = parts_of(folder)
        part.write_bytes(part.read_bytes()[:-cut])
        state = new(folder).state
        assert [row["document"] for row in state.rows([A, B])] == (["a.pdf", "b.pdf"] if cut == 1 else ["a.pdf"])
        assert state.outstanding([A, B]) == ([] if cut == 1 else [B])

    @pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b"{}", b'{"intent": "i", "state": "unheard of"}', b"null"])
    def test_so_is_a_line_that_is_none(self, folder, line):
        written(folder, A)
        *_, part = parts_of(folder)
        part.write_bytes(line + b"\n" + part.read_bytes())
        assert [row["document"] for row in new(folder).state.rows([A])] == ["a.pdf"]

    def test_a_part_appears_whole(self, tmp_path, monkeypatch):
        """At no moment is there a part that a reader would find incomplete."""
        lines = []

        def look():
            while not done.is_set():
                lines.extend(part.read_bytes() for part in tmp_path.glob(f"{TASK.safe_name}/*.jsonl"))

        done = threading.Event()
        reader = threading.Thread(target=look)
        reader.start()
        try:
            for _ in range(20):
                with new(tmp_path) as record:
                    record.classified(A, {"classification": "letter", "text": "x" * 500_000})
        finally:
            done.set()
            reader.join()
        assert lines
        assert all(line.endswith(b"}\n") for line in lines)


class TestWhatCannotBeStored:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), "\udce9", ["a", {"b": "\ud800"}]])
    def test_a_result_that_json_cannot_hold_fails_its_document_alone(self, folder, value):
        with new(folder) as record:
            assert not record.classified(A, {"classification": "letter", "confidence": value}, "job-a")
            assert record.classified(B, RESULT)
        rows = {row["document"]: row for row in new(folder).state.rows([A, B])}
        assert rows["a.pdf"]["error_kind"] == "InvalidReply"
        assert "job-a" in rows["a.pdf"]["error"]
        assert rows["b.pdf"]["classification"] == "letter"

    def test_an_error_in_another_encoding_is_escaped(self, folder):
        with new(folder) as record:
            record.failed(A, DocumentCorrupt("caf\udce9.pdf is damaged."))
        [row] = new(folder).state.rows([A])
        assert row["error"] == "caf\\udce9.pdf is damaged."

    def test_a_writer_that_fails_ends_the_task(self, tmp_path):
        (tmp_path / "out.jsonl.parts").write_text("in the way")

        def note_for(seconds):
            deadline = time.monotonic() + seconds
            with BatchRecord(str(tmp_path / "out.jsonl.parts"), TASK, part_seconds=0.01) as record:
                while time.monotonic() < deadline:
                    record.submitted(A, "job-a")
                    time.sleep(0.05)
                pytest.fail("the failure of the writer was not raised")

        with pytest.raises(StorageError, match=r"out\.jsonl\.parts"):
            note_for(30)

    def test_a_writer_that_failed_once_loses_nothing(self, tmp_path):
        folder = tmp_path / "out.jsonl.parts"
        folder.write_text("in the way")
        with BatchRecord(str(folder), TASK, part_seconds=0.01) as record:
            record.submitted(A, "job-a")
            wait_until(lambda: "classify-batch-record" not in {thread.name for thread in threading.enumerate()})
            folder.unlink()
            with pytest.raises(StorageError):
                record.submitted(B, "job-b")
        assert sorted(new(folder).state.job_ids()) == ["job-a", "job-b"]


class TestFlagsStandBesideTheResult:
    def test_a_result_cannot_replace_what_the_task_knows(self, folder):
        hostile = {
            **RESULT,
            "document": "other.pdf",
            "job_id": "other-job",
            "intent": "other-fingerprint",
            "reused": True,
            "error": "no",
            "error_kind": "no",
            "state": "failed",
        }
        with new(folder) as record:
            record.classified(A, hostile, "job-a")
        state = new(folder).state
        assert list(state.rows([A])) == [
            {"document": "a.pdf", "intent": "fingerprint-a", "job_id": "job-a", **RESULT, "state": "failed"}
        ]
        assert state.outstanding([A]) == []

    def test_a_null_error_in_a_result_is_no_failure(self, folder):
        with new(folder) as record:
            record.classified(A, {**RESULT, "error": None}, "job-a")
        state = new(folder).state
        assert state.failures(A) == 0
        assert state.outstanding([A]) == []
        [row] = state.rows([A])
        assert "error" not in row
        assert Entry.from_row({**row, "error": None}) == Entry(
            "fingerprint-a", State.CLASSIFIED, "job-a", result=RESULT, reused=True
        )


def test_each_task_has_entries_of_its_own(folder):
    written(folder, A)
    other = new(folder, TaskAddress("other_dag", "classify", "manual__1", 3))
    assert list(other.state.rows([A])) == []
    other.plan.write([B])
    other.remove()
    assert [row["document"] for row in new(folder).state.rows([A])] == ["a.pdf"]


class TestPacked:
    def test_another_machine_takes_it_over_whatever_an_earlier_try_left_there(self, folder, tmp_path):
        elsewhere = tmp_path / "elsewhere"
        with new(elsewhere) as earlier:
            earlier.plan.write([A])
            earlier.submitted(A, "earlier-job")
        with new(folder) as record:
            record.submitted(A, "job-a")
            record.classified(B, {**RESULT, "page_results": [{"page": 1}]}, "job-b")
            for _ in range(2):
                record.failed(C, DocumentCorrupt("c.pdf is damaged."))
        packed = json.loads(json.dumps(record.pack([A, B, C])))
        unpacked = new(elsewhere)
        assert unpacked.unpack(packed) == [A, B, C]
        for state in (unpacked.state, new(elsewhere).state):
            assert state.pending([A, B, C]) == {A: "job-a"}
            assert state.failures(C) == 2
            assert [row.get("classification") for row in state.rows([A, B, C])] == ["letter", None]
        assert new(elsewhere).plan.read_items() == [A, B, C]
