"""The example DAGs, run as they stand."""

from __future__ import annotations

import ast
import os
import sys
from importlib import import_module
from pathlib import Path

import airflow
import pytest

from airflow_provider_classify.exceptions import AirflowTooOld, ReviewNotAvailable
from airflow_provider_classify.lifecycle import compat, event_triggers
from tests.support.dags import run_dag
from tests.support.table_api import connect_to, table_api

EXAMPLES = Path(__file__).parents[1] / "dags"
IS_AIRFLOW_2 = airflow.__version__.startswith("2.")


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


def test_the_first_dag_needs_no_connection(samples, capfd):
    run = run_dag(import_module("first_classification").dag, document=str(samples / "invoice.pdf"))

    assert run.state == "success"
    assert run.xcom("classify")["classification"] == "invoice"
    assert f"{samples}/invoice.pdf is invoice" in capfd.readouterr().out


def test_a_function_classifies_in_one_call(samples, tmp_path):
    dag = import_module("classify_in_taskflow").dag
    run = run_dag(dag, document=str(samples / "contract.pdf"))
    assert run.state == "success"
    result = run.xcom("classify")
    assert (result["classification"], result["document"]) == ("contract", f"{samples}/contract.pdf")

    assert run_dag(dag, document=str(tmp_path / "missing.pdf")).state == "failed"


def test_a_sensor_waits_for_a_job_of_another_task(service, samples, monkeypatch, capfd):
    monkeypatch.setenv("AIRFLOW_CONN_CLASSIFY_API", os.environ["AIRFLOW_CONN_SERVICE"])
    run = run_dag(import_module("wait_for_classification_job").dag, document=str(samples / "invoice.pdf"))

    assert run.state == "success"
    job_id = run.xcom("submit")
    assert job_id in service.jobs()
    assert (run.xcom("wait")["job_id"], run.xcom("wait")["classification"]) == (job_id, "invoice")
    assert f"Job {job_id}: invoice" in capfd.readouterr().out


def folder_with(samples, tmp_path, *names):
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes((samples / name).read_bytes())
    return str(folder)


def states(run, task_id):
    return {index: state for (name, index), state in run.task_states.items() if name == task_id}


def test_each_document_follows_the_tasks_of_its_category(samples, tmp_path):
    folder = folder_with(samples, tmp_path, "contract.pdf", "invoice.pdf")
    (tmp_path / "incoming" / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)

    run = run_dag(import_module("branch_on_category").dag, folder=folder)

    assert run.state == "success"
    assert states(run, "each_document.legal") == {0: "success", 1: "skipped", 2: "skipped"}
    assert states(run, "each_document.pay") == {0: "skipped", 1: "skipped", 2: "success"}
    assert states(run, "each_document.archive") == {0: "success", 1: "skipped", 2: "skipped"}
    assert states(run, "each_document.ask") == {0: "skipped", 1: "success", 2: "skipped"}


def test_tasks_map_over_the_documents_of_their_route(samples, tmp_path):
    folder = folder_with(samples, tmp_path, "invoice.pdf", "letter.pdf", "contract.pdf")

    run = run_dag(import_module("sort_by_route").dag, folder=folder)

    assert run.state == "success"
    assert states(run, "pay") == {0: "success"}
    assert states(run, "archive") == {0: "success", 1: "success"}
    assert set(states(run, "ask_a_person").values()) == {"skipped"}
    assert [result["decision"]["category"] for result in run.xcom("sort_by_route.to_archive")] == ["contract", "letter"]


@pytest.mark.parametrize("name", ["batch_and_read", "batch_in_shards"])
def test_a_task_reads_the_results_of_a_batch(samples, tmp_path, name):
    folder = folder_with(samples, tmp_path, "invoice.pdf", "letter.pdf")
    (tmp_path / "incoming" / "note.txt").write_text("Good morning! Where did you put the blue one?\n")
    if name == "batch_and_read":
        (tmp_path / "incoming" / "damaged.pdf").write_bytes(b"\x00\x01\x02" * 1000)

    run = run_dag(import_module(name).dag, folder=folder)

    assert run.state == "success"
    if name == "batch_and_read":
        assert [row["document"] for row in run.xcom("sure")] == [f"{folder}/invoice.pdf", f"{folder}/letter.pdf"]
    else:
        assert run.xcom("doubtful") == [f"{folder}/note.txt"]


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("first_classification", 15),
        ("classify_in_taskflow", 8),
        ("wait_for_classification_job", 20),
        ("branch_on_category", 20),
        ("sort_by_route", 40),
        ("batch_and_read", 10),
        ("batch_in_shards", 20),
        ("compare_backends", 30),
    ],
)
def test_an_example_is_short(name, longest):
    """Lines count without the docstring, comments and blank lines."""
    text = (EXAMPLES / f"{name}.py").read_text()
    text = text.replace(f'"""{ast.get_docstring(ast.parse(text), clean=False)}"""', "")
    assert len([line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]) <= longest


def test_a_cascade_asks_the_api_about_the_rest(samples, tmp_path, monkeypatch):
    folder = tmp_path / "incoming"
    folder.mkdir()
    (folder / "invoice.pdf").write_bytes((samples / "invoice.pdf").read_bytes())
    (folder / "note.txt").write_text("Good morning! Where did you put the blue one?\n")
    with table_api(tmp_path / "api", {(folder / "note.txt").read_bytes(): ("letter", 0.99)}) as api:
        connect_to(monkeypatch, "classify_api", api)
        run = run_dag(import_module("classify_with_cascade").dag, folder=str(folder))
        assert len(api.store.jobs()) == 1

    assert run.state == "success"
    manifest = run.xcom("classify")
    assert (manifest["escalated"], manifest["calls_saved"]) == (1, 1)
    assert manifest["categories"] == {"invoice": 1, "letter": 1}


@pytest.mark.skipif(IS_AIRFLOW_2, reason="assets came with Airflow 3.0")
def test_a_run_without_an_event_reads_nothing():
    run = run_dag(import_module("contract_arrived").dag)

    assert run.state == "success"
    assert run.xcom("read") == []


@pytest.mark.skipif(
    compat.human_in_the_loop_operator() is None, reason="reviews need Airflow 3.1 and its standard provider 1.12.2"
)
def test_nobody_is_asked_about_a_sure_answer(samples, tmp_path, monkeypatch):
    folder = folder_with(samples, tmp_path, "invoice.pdf")
    monkeypatch.setenv("LEARNED_DOCUMENTS", str(tmp_path / "learned"))
    monkeypatch.delitem(sys.modules, "review_doubtful_documents", raising=False)
    for name in ("invoice", "contract", "letter"):
        (tmp_path / "learned" / name).mkdir(parents=True)

    run = run_dag(import_module("review_doubtful_documents").dag, folder=folder)

    assert run.state == "success"
    assert run.xcom("review", map_index=0)["classification"] == "invoice"


@pytest.mark.skipif(
    compat.human_in_the_loop_operator() is None, reason="reviews need Airflow 3.1 and its standard provider 1.12.2"
)
def test_nobody_is_asked_if_three_backends_agree(samples, tmp_path, monkeypatch):
    folder = folder_with(samples, tmp_path, "invoice.pdf")
    # Any connection is a backend; tests/system runs this example with a language model.
    with table_api(tmp_path / "api", {(samples / "invoice.pdf").read_bytes(): ("invoice", 0.99)}) as api:
        connect_to(monkeypatch, "classify_api", api)
        connect_to(monkeypatch, "classify_model", api)
        run = run_dag(import_module("compare_backends").dag, folder=folder)

    assert run.state == "success"
    assert [run.xcom(task_id)["categories"] for task_id in ("default", "api", "model")] == [{"invoice": 1}] * 3
    assert run.xcom("disagreements") == []
    assert set(states(run, "review").values()) == {"skipped"}


@pytest.mark.skipif(compat.human_in_the_loop_operator() is not None, reason="this Airflow has reviews")
@pytest.mark.parametrize("name", ["compare_backends", "review_doubtful_documents"])
def test_the_review_says_which_airflow_it_needs(name):
    with pytest.raises(ReviewNotAvailable, match=r"needs Airflow 3.1 or newer"):
        import_module(name)


@pytest.mark.skipif(IS_AIRFLOW_2, reason="watchers of assets came with Airflow 3.0")
def test_the_watcher_of_a_folder_says_which_airflow_it_needs():
    if hasattr(event_triggers.BaseEventTrigger, "create_shared_stream_producer"):
        assert import_module("route_documents_on_arrival").incoming.watchers
        return
    with pytest.raises(AirflowTooOld, match=r"NewDocumentsTrigger needs Airflow 3\.3 or newer, and this is 3\."):
        import_module("route_documents_on_arrival")
