"""Run the example DAGs on a real Airflow without the connection ``classify_default``, and documents that fail there."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.airflow_run import DagRun
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    (folder / "letter.txt").write_text(
        "Dear Mrs. Brown,\n\nthank you for your letter.\n\nYours sincerely\nJohn Smith\n"
    )
    return folder


@pytest.mark.parametrize("dag_id", ["first_classification", "classify_in_taskflow"])
def test_an_example_needs_no_connection(airflow, service, documents, dag_id):
    before = service.jobs()
    run = DagRun(airflow, dag_id, {"document": str(documents / "invoice.pdf")})
    assert run.wait() == "success"
    assert run.xcom("classify")["classification"] == "invoice"
    assert service.jobs() == before, "the local engine classified"


def test_a_sensor_waits_for_a_job_of_the_api(airflow, service, documents):
    run = DagRun(airflow, "wait_for_classification_job", {"document": str(documents / "invoice.pdf")})
    assert run.wait() == "success"
    assert run.xcom("submit") in service.jobs()
    assert run.xcom("wait")["job_id"] == run.xcom("submit")
    assert run.xcom("wait")["classification"] == "invoice"


@pytest.fixture
def doubtful(documents, tmp_path):
    """An invoice, of which the local engine is sure, and a note, of which it is not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "invoice.pdf").write_bytes((documents / "invoice.pdf").read_bytes())
    (tmp_path / "in" / "note.txt").write_text("Good morning! Where did you put the blue one?\n")
    return tmp_path / "in"


def answered_by(rows):
    return {row["document"].rpartition("/")[2]: row["answered_by"] for row in rows}


CASCADE = {"invoice.pdf": "classify_default", "note.txt": "classify_api"}


@pytest.mark.usefixtures("warm")
def test_only_what_the_local_engine_is_not_sure_of_goes_to_the_api(airflow, service, doubtful):
    before = set(service.jobs())
    with service.frozen_engine():
        run = DagRun(airflow, "classify_with_cascade", {"folder": str(doubtful)})
        wait_until(lambda: run.states("classify") == {"deferred"}, 240, pause=0.5)
    assert run.wait(300) == "success"
    manifest = run.xcom("classify")
    assert (manifest["documents"], manifest["escalated"], manifest["calls_saved"]) == (2, 1, 1)
    rows = map(json.loads, (doubtful.parent / "in-cascade.jsonl").read_text().splitlines())
    assert answered_by(rows) == CASCADE
    assert len(set(service.jobs()) - before) == 1


@pytest.mark.usefixtures("warm")
def test_a_cleared_task_of_a_cascade_takes_up_both_jobs(airflow, service, doubtful):
    before = set(service.jobs())
    with service.frozen_engine():
        run = DagRun(airflow, "cascade_cases", {"folder": str(doubtful), "second": "classify_api"})
        wait_until(lambda: len(set(service.jobs()) - before) == 4, 240, pause=0.5)
    assert run.wait(300) == "success"
    jobs, tasks = set(service.jobs()), ("waiting", "deferring", "from_trigger")
    first = {task: [run.xcom(task, index) for index in (0, 1)] for task in tasks}
    for results in first.values():
        assert answered_by(results) == CASCADE
        assert results[1]["first_answer"]["answered_by"] == "classify_default"
    dag_path, run_id = run.path.split("/dagRuns/")
    body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": list(tasks)}
    airflow.request("POST", f"{dag_path}/clearTaskInstances", body)
    wait_until(lambda: {task["try_number"] for name in tasks for task in run.tasks(name)} == {2}, 240, pause=0.5)
    assert run.wait(300) == "success"
    assert {task: [run.xcom(task, index) for index in (0, 1)] for task in tasks} == first
    assert set(service.jobs()) == jobs


@pytest.mark.usefixtures("warm")
def test_a_trigger_ends_the_task_of_a_document_that_cannot_be_read(airflow, service, damaged, tmp_path):
    """The first document is a letter, the second is damaged, and the third is missing, so it is never deferred."""
    with service.frozen_engine():
        run = DagRun(
            airflow,
            "unreadable_cases",
            {"connection": "classify_api", "folder": str(damaged), "output": str(tmp_path)},
        )
        wait_until(
            lambda: [task["state"] for task in run.tasks("result")] == ["deferred", "deferred", "success"],
            240,
            pause=0.5,
        )
    assert run.wait(300) == "success"

    letter, error, missing = [run.xcom("result", index) for index in range(3)]
    assert letter["classification"] == "letter"
    assert "evidence" not in json.dumps(letter)
    assert (error["success"], error["error_kind"]) == (False, "DocumentCorrupt")
    assert (missing["success"], missing["error_kind"]) == (False, "DocumentNotFound")
    assert {"branch_pay": run.states("branch_pay"), "branch_ask": run.states("branch_ask")} == {
        "branch_pay": {"skipped"},
        "branch_ask": {"success"},
    }
    assert run.xcom("routes") == ["file", "person", "person"]
    assert [task["state"] for task in run.tasks("skip")] == ["success", "skipped", "skipped"]
    assert run.xcom("batch_result")["unreadable"] == run.xcom("batch_skip")["skipped"] == 2
    # Only the task of the missing document returned its result on a worker.
    logs = run.worker_logs("result")
    assert [index for index in sorted(logs) if "The task succeeds without a classification" in logs[index]] == [2]


def test_documents_on_which_three_backends_differ_go_to_a_person(airflow, service, model, documents):
    before = set(service.jobs())
    run = DagRun(airflow, "compare_backends", {"folder": str(documents)})
    wait_until(lambda: open_questions(run), 300, pause=1)
    [question] = open_questions(run)
    assert question["subject"] == "Which category fits letter.pdf?"
    assert r"It has the form of one\." in question["body"]
    manifests = {name: run.xcom(name) for name in ("default", "api", "model")}
    assert {name: manifest["categories"] for name, manifest in manifests.items()} == {
        "default": {"invoice": 1, "letter": 1},
        "api": {"invoice": 1, "letter": 1},
        "model": {"contract": 1, "invoice": 1},
    }
    assert manifests["model"]["usage"] == {"requests": 2, "input_tokens": 240, "output_tokens": 60}
    assert len(set(service.jobs()) - before) == 2
    assert (len(model.requests), model.invalid) == (2, [])

    time.sleep(5)  # as people do: Airflow 3.3.2 may fail a task that resumes while it is being parked
    path = f"{run.path}/taskInstances/review/0/hitlDetails"
    airflow.request("PATCH", path, {"chosen_options": ["letter"], "params_input": {}})
    assert run.wait(300) == "success"
    assert run.xcom("review", 0)["classification"] == "letter"


def open_questions(run):
    found = run.airflow.request("GET", f"{run.path}/hitlDetails?response_received=false")["hitl_details"]
    return [detail for detail in found if detail["task_instance"]["state"] in ("awaiting_input", "deferred")]
