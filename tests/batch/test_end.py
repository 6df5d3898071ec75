"""The end of a batch: its record is deleted when the output is complete."""

from __future__ import annotations

import time

import pytest

from airflow_provider_classify.batch.batch import Batch, Request
from airflow_provider_classify.batch.output import read_output
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import StorageUnavailable
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.model.polling import Wait

TASK = TaskAddress("dag", "task", "run")
RESULT = {"success": True, "classification": "letter", "confidence": 0.9, "total_pages": 1, "processed_pages": 1}


@pytest.fixture
def begin(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"Dear Mrs. {number}")

    def begin(task=TASK):
        documents = [str(tmp_path / f"{number}.txt") for number in range(3)]
        request = Request(documents, "*", parse_categories(["letter"]), "engine")
        output = str(tmp_path / "out.jsonl")
        return Batch.begin(request, output=output, previous=None, task=task, has_ended=lambda _: True)

    return begin


def classify_all(batch):
    with batch.record:
        for item in batch.items:
            batch.record.classified(item, RESULT)


def finish(batch):
    now = time.time()
    return batch.finish(Wait("", since=now, deadline=now, longest_pause=1), FailureLimit())


def test_a_try_that_ends_while_it_deletes_its_record_is_not_done_again(begin, tmp_path, monkeypatch):
    batch = begin()
    classify_all(batch)

    def fail(path):
        raise StorageUnavailable(path.label)

    with monkeypatch.context() as patch:
        patch.setattr(StoragePath, "delete", fail)  # of the plan, when the entries are deleted
        with pytest.raises(StorageUnavailable):
            finish(batch)
    assert not list((tmp_path / "out.jsonl.parts").glob("*/*"))
    written = list(read_output(str(tmp_path / "out.jsonl")))

    again = begin()
    assert again.record.state.outstanding(again.items) == []
    assert finish(again)["reused"] == 0
    assert list(read_output(str(tmp_path / "out.jsonl"))) == written
    assert not (tmp_path / "out.jsonl.parts").exists()


def test_another_run_does_not_take_the_output_for_its_own(begin):
    batch = begin()
    classify_all(batch)
    finish(batch)
    other = begin(TaskAddress("dag", "task", "another run"))
    assert len(other.record.state.outstanding(other.items)) == 3


def test_an_output_of_an_earlier_run_is_not_taken_for_the_one_of_a_try_that_was_killed(begin):
    first = begin()
    classify_all(first)
    finish(first)
    other = TaskAddress("dag", "task", "another run")
    begin(other)  # killed before it has classified anything
    again = begin(other)
    assert len(again.record.state.outstanding(again.items)) == 3
