"""The datasets and answers of a lineage, and what they leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.lifecycle import lineage
from airflow_provider_classify.lifecycle.lineage import Dataset

RESULT = {
    "job_id": "job-1",
    "document": "s3://lake/in/a.pdf",
    "success": True,
    "classification": "invoice",
    "confidence": 0.97,
    "total_pages": 2,
    "page_results": [{"page": 1, "evidence": [{"line": "Please pay 100"}]}],
    "evidence": [{"line": "Please pay 100"}],
    "reasoning": "It asks for a payment of 100",
}
MANIFEST = {"documents": 5, "classified": 3, "failed": 1, "skipped": 1, "categories": {"invoice": 3}, "failures": [{}]}


@pytest.mark.parametrize(
    ("reference", "namespace", "name"),
    [
        ("/data/in/a.pdf", "file", "/data/in/a.pdf"),
        ("file:///data/in/a.pdf", "file", "/data/in/a.pdf"),
        ("s3://bucket/in/a.pdf", "s3://bucket", "in/a.pdf"),
        ("s3://conn_id@bucket/in/a.pdf", "s3://bucket", "in/a.pdf"),
        ("s3a://bucket/in", "s3://bucket", "in"),
        ("gcs://bucket/a?b.pdf", "gs://bucket", "a?b.pdf"),
        ("abfs://conn_id@container/a.pdf", "abfs://container", "a.pdf"),
        ("s3://bucket", "s3://bucket", "/"),
        ("https://host:8443/a/b.pdf", "https://host:8443", "/a/b.pdf"),
    ],
)
def test_a_file_has_the_same_name_in_all_tasks(reference, namespace, name):
    assert lineage.dataset_of(reference) == Dataset(namespace, name)


def test_a_relative_path_becomes_a_full_path():
    assert lineage.dataset_of("in/a.pdf").name == str(Path.cwd() / "in" / "a.pdf")


@pytest.mark.parametrize(
    "reference",
    [
        "https://user:secret@host/a.pdf",
        "https://host/a.pdf?X-Amz-Signature=secret",
        "https://host/a.pdf#secret",
        "s3://key:secret@bucket/a.pdf",
        "abfs://container/a.pdf?sig=secret",
    ],
)
def test_a_secret_of_a_reference_is_left_out(reference):
    assert "secret" not in repr(lineage.of_document(reference, {**RESULT, "document": reference}))
    assert "secret" not in repr(lineage.of_batch([reference], reference, [{**RESULT, "document": reference}]))
    assert "secret" not in repr(lineage.of_result({**RESULT, "document": reference}, route=["pay"]))


def test_an_answer_has_no_text_of_the_document():
    found = lineage.of_document("s3://lake/in/a.pdf", RESULT)
    expected = {
        "job_id": "job-1",
        "success": True,
        "classification": "invoice",
        "confidence": 0.97,
        "total_pages": 2,
    }
    assert found.answer == expected
    assert found.inputs == [Dataset("s3://lake", "in/a.pdf", expected)]
    assert set(expected) <= set(lineage.ANSWER_FIELDS)


def test_before_the_end_there_is_only_the_document():
    found = lineage.of_document("/a.pdf")
    assert (found.inputs, found.outputs, found.answer) == ([Dataset("file", "/a.pdf")], [], {})


def test_a_cascade_names_both_answers():
    value = RESULT | {
        "answered_by": "paid",
        "first_answer": {"answered_by": "engine", "confidence": 0.5, "engine": {"name": "local"}},
    }
    answer = lineage.answer_of(value)
    assert answer["answered_by"] == "paid"
    assert answer["first_answer"] == {"answered_by": "engine", "confidence": 0.5}


def test_a_failure_has_the_kind_of_its_error_and_not_its_text():
    value = {"success": False, "classification": None, "error": "About Mr. Smith", "error_kind": "DocumentCorrupt"}
    assert lineage.answer_of(value) == {"success": False, "error_kind": "DocumentCorrupt"}


def test_the_documents_of_a_packet_are_outputs():
    parts = [{"document": f"/out/{number}.pdf", "category": "invoice"} for number in range(200)]
    found = lineage.of_document("/packet.pdf", RESULT, parts=parts)
    assert len(found.outputs) == lineage.MAX_DOCUMENTS
    assert found.outputs[1] == Dataset("file", "/out/1.pdf")


def test_a_branch_names_the_tasks_that_follow():
    found = lineage.of_result(RESULT, route=["pay", "archive"])
    assert found.answer["route"] == ["pay", "archive"]
    assert "route" not in found.inputs[0].answer
    assert lineage.of_result(None, route=["ask"]).answer == {"route": ["ask"]}
    assert lineage.of_result({"document": ""}, route=["ask"]).inputs == []


def test_a_folder_is_one_dataset_and_an_output_has_its_rows():
    found = lineage.of_batch("s3://lake/in", "s3://lake/out.jsonl", MANIFEST)
    assert found.inputs == [Dataset("s3://lake", "in")]
    assert found.outputs == [Dataset("s3://lake", "out.jsonl", rows=4)]
    assert found.batch == {name: MANIFEST[name] for name in MANIFEST if name != "failures"}


def test_a_long_list_of_documents_is_cut():
    found = lineage.of_batch([f"/{number}.pdf" for number in range(1000)], "/out.csv")
    assert len(found.inputs) == lineage.MAX_DOCUMENTS
    assert found.outputs == [Dataset("file", "/out.csv")]


def test_a_batch_without_an_output_has_the_answer_about_each_document():
    found = lineage.of_batch(["s3://lake/in/a.pdf", "/b.pdf"], None, [RESULT])
    assert [dataset.answer.get("classification") for dataset in found.inputs] == ["invoice", None]
    assert found.batch == {"documents": 1}
