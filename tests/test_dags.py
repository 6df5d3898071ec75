"""The example DAGs, run as they stand."""

from __future__ import annotations

from importlib import import_module

from tests.support.dags import run_dag


def test_every_document_is_classified_and_routed(samples, tmp_path):
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in ("invoice.pdf", "letter.pdf", "resume.pdf"):
        (folder / name).write_bytes((samples / name).read_bytes())
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)

    run = run_dag(import_module("classify_incoming_documents").dag, folder=str(folder))

    assert run.state == "success"
    rows = {row["document"].rpartition("/")[2]: row for row in run.xcom("summary")}
    assert {name: row["category"] for name, row in rows.items()} == {
        "damaged.pdf": None,
        "invoice.pdf": "invoice",
        "letter.pdf": "letter",
        "resume.pdf": "resume",
    }
    assert {name: row["route"] for name, row in rows.items()} == {
        "damaged.pdf": "review",
        "invoice.pdf": "accounting",
        "letter.pdf": "files",
        "resume.pdf": "hiring",
    }
    assert run.task_states["accounting", -1] == "success"
    assert run.task_states["legal", -1] == "skipped"
    assert run.task_states["review", -1] == "success"


def test_a_doubtful_answer_goes_to_review(tmp_path):
    (tmp_path / "note.txt").write_text("Good morning! Where did you put the blue one?\n")

    run = run_dag(import_module("classify_incoming_documents").dag, folder=str(tmp_path))

    assert run.state == "success"
    [row] = run.xcom("summary")
    assert row["category"] is not None
    assert row["confidence"] < 0.6
    assert row["route"] == "review"


def test_an_empty_folder_is_no_failure(tmp_path):
    run = run_dag(import_module("classify_incoming_documents").dag, folder=str(tmp_path))

    assert run.state == "success"
    assert not run.xcom("summary")


def test_a_sensor_waits_for_a_job_of_another_task(samples):
    run = run_dag(import_module("wait_for_classification_job").dag, document=str(samples / "invoice.pdf"))

    assert run.state == "success"
    assert run.xcom("wait")["job_id"] == run.xcom("submit")
    assert run.xcom("use") == "invoice"
