from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from airflow_provider_classify.batch.plan import items_of
from airflow_provider_classify.batch.progress_log import Tally
from airflow_provider_classify.batch.summary import FailureLimit, Summary, small
from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.exceptions import DocumentNotFound
from airflow_provider_classify.model.categories import Category

CATEGORIES = (Category("invoice"), Category("letter"))


QUESTION = ({"a.pdf": "f", "b.pdf": "f"}, CATEGORIES, "api")


def test_the_same_question_is_the_same_item():
    assert items_of(*QUESTION) == items_of(*QUESTION)
    assert [item.document for item in items_of(*QUESTION)] == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize(
    "other",
    [
        ({"c.pdf": "f", "d.pdf": "f"}, CATEGORIES, "api"),
        ({"a.pdf": "g", "b.pdf": "g"}, CATEGORIES, "api"),
        ({"a.pdf": "f", "b.pdf": "f"}, CATEGORIES[:1], "api"),
        ({"a.pdf": "f", "b.pdf": "f"}, (Category("invoice", "A bill"), Category("letter")), "api"),
        ({"a.pdf": "f", "b.pdf": "f"}, CATEGORIES, "another api"),
    ],
)
def test_and_another_question_another(other):
    fingerprints = [item.fingerprint for question in (QUESTION, other) for item in items_of(*question)]
    assert len(set(fingerprints)) == 4


def test_a_folder_is_listed_in_order_without_what_is_hidden(tmp_path):
    for name in ("b.pdf", "a.pdf", "c.txt", ".hidden.pdf"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "d.pdf").write_text("x")
    assert [path.rpartition("/")[2] for path in list_documents(str(tmp_path), "*")] == ["a.pdf", "b.pdf", "c.txt"]
    assert [path.rpartition("/")[2] for path in list_documents(str(tmp_path), "*.pdf")] == ["a.pdf", "b.pdf"]
    assert str(tmp_path / "sub" / "d.pdf") in list_documents(str(tmp_path), "**/*.pdf")


def test_links_to_files_are_listed_and_pipes_are_not(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pdf").write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.pdf").symlink_to(tmp_path / "elsewhere" / "a.pdf")
    (folder / "broken.pdf").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "pipe.pdf")
    assert list_documents(str(folder), "*.pdf") == [str(folder / "link.pdf")]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DocumentNotFound, match="nowhere"):
        list_documents(str(tmp_path / "nowhere"), "*")


def test_a_file_or_an_empty_text_is_no_folder(tmp_path):
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(DocumentNotFound, match=r"a\.pdf is a file; give its folder"):
        list_documents(str(tmp_path / "a.pdf"))
    with pytest.raises(DocumentNotFound, match="empty text"):
        list_documents("")


def test_a_relative_folder_that_is_not_there_is_named_with_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DocumentNotFound, match=re.escape(f"There is no folder {tmp_path}/incoming; check")):
        list_documents("incoming")


def test_the_output_and_the_records_of_all_batches_are_no_documents(tmp_path):
    (tmp_path / "a.pdf").write_text("x")
    output = tmp_path / "out.jsonl"
    output.write_text("{}")
    (tmp_path / "out.jsonl.parts" / "task").mkdir(parents=True)
    (tmp_path / "out.jsonl.parts" / "task" / "1.jsonl").write_text("{}")
    record = tmp_path / "sub" / "day.csv.parts"
    record.mkdir(parents=True)
    (record / "task.json").write_text("{}")
    assert list_documents(str(tmp_path), "**/*", output=str(output)) == [str(tmp_path / "a.pdf")]
    assert list_documents(str(tmp_path), "**/*") == [str(tmp_path / "a.pdf"), str(output)]
    assert list_documents(str(tmp_path / "sub" / "day.csv.parts"), "*") == [
        str(tmp_path / "sub/day.csv.parts/task.json")
    ]


def test_a_name_that_is_not_utf_8_is_listed_and_escaped(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.pdf"
    Path(os.fsdecode(name)).write_bytes(b"x")
    [document] = list_documents(str(tmp_path), "*.pdf")
    assert Path(document).exists()
    [item] = items_of({document: "f"}, CATEGORIES, "api")
    assert item.reference == document
    assert item.document == f"{tmp_path}/caf\\udce9.pdf"


def test_what_is_stored_of_a_url_has_no_signature():
    reference = "https://user:s3cret@x.org/a.pdf?sig=s3cret"
    [item] = items_of({reference: "f"}, CATEGORIES, "api")
    assert (item.document, item.reference) == ("https://x.org/a.pdf", reference)


@pytest.mark.parametrize(
    ("tally", "seconds", "began_with", "line"),
    [
        (Tally(200, 50, 3), 10.0, 0, "50 of 200 documents done, 3 failed, 5.0 a second, 30 s left"),
        (Tally(5000, 100), 10.0, 50, "100 of 5000 documents done, 5.0 a second, 16 min 20 s left"),
        (Tally(10, 0), 0.0, 0, "0 of 10 documents done, 0.0 a second"),
        (Tally(10, 10), 5.0, 0, "10 of 10 documents done, 2.0 a second"),
    ],
)
def test_progress_is_told_in_a_line(tally, seconds, began_with, line):
    assert tally.line(seconds, began_with) == line


@pytest.mark.parametrize(
    ("failed", "total", "limit", "too_many"),
    [
        (0, 10, FailureLimit(0), False),
        (1, 10, FailureLimit(0), True),
        (1, 10, FailureLimit(1), False),
        (2, 10, FailureLimit(1), True),
        (1, 10, FailureLimit(share=0.1), False),
        (2, 10, FailureLimit(share=0.1), True),
        (10, 10, FailureLimit(share=1.0), False),
        (1, 10, FailureLimit(share=0.0), True),
    ],
)
def test_a_number_or_a_share_may_fail(failed, total, limit, too_many):
    assert limit.is_exceeded(failed, total) is too_many


def test_a_manifest_does_not_grow_with_its_batch():
    rows = [
        {"document": f"{n}.pdf", "classification": "invoice" if n % 3 else "letter", "confidence": 0.5}
        for n in range(5000)
    ]
    rows += [{"document": f"bad-{n}.pdf", "error": "Damaged.", "error_kind": "DocumentCorrupt"} for n in range(5000)]
    summary = Summary()
    assert list(summary.count(iter(rows))) == rows
    manifest = summary.manifest("out.jsonl")
    assert (manifest["documents"], manifest["classified"], manifest["failed"]) == (10_000, 5000, 5000)
    assert manifest["categories"] == {"invoice": 3333, "letter": 1667}
    assert len(json.dumps(manifest)) < 10_000


def test_a_small_result_has_no_pages():
    line = {"document": "a.pdf", "classification": "letter", "confidence": 0.9, "page_results": [{"page": 1}]}
    assert small(line) == {"document": "a.pdf", "classification": "letter", "confidence": 0.9}
