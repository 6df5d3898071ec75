"""Check documents as events in a real Airflow: what arrives is routed, once, and answers start other DAGs."""

from __future__ import annotations

import shutil
from collections import Counter

import httpx
import pytest

from tests.support.airflow_run import DagRun
from tests.support.system_airflow import system_airflow
from tests.support.triggerers import another_triggerer, kill_triggerer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

DAGS = ("dags/route_documents_on_arrival.py", "dags/contract_arrived.py", "tests/dags/outlet_cases.py")


@pytest.fixture(scope="module")
def incoming(tmp_path_factory):
    """The watched folder, which is not there when Airflow starts."""
    return tmp_path_factory.mktemp("watched") / "incoming"


@pytest.fixture(scope="module")
def airflow(connection, incoming, tmp_path_factory):
    environment = {"INCOMING_DOCUMENTS": str(incoming)}
    connections = {"CLASSIFY_DEFAULT": connection}
    with system_airflow(tmp_path_factory.mktemp("airflow"), DAGS, connections, environment) as airflow:
        yield airflow


def events(airflow, asset):
    """Return the events of an asset, the oldest first."""
    found = []

    def are_listed():
        try:
            found[:] = airflow.request("GET", "assets/events?limit=100&order_by=timestamp")["asset_events"]
        except httpx.HTTPStatusError as error:
            # Airflow 3.3.2 answers so while a run that an event has created is queued: the run has no start date.
            if error.response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                raise
            return False
        return True

    wait_until(are_listed, 120, pause=0.5)
    return [event for event in found if event["name"] == asset]


def reported(airflow):
    """Return how often each document was reported, by file name."""
    return Counter(
        document["document"].rpartition("/")[2]
        for event in events(airflow, "incoming_documents")
        for document in event["extra"]["payload"]["documents"]
    )


def runs(airflow, dag_id):
    return airflow.request("GET", f"dags/{dag_id}/dagRuns?limit=100")["dag_runs"]


def handled(airflow):
    """Return the documents that each route got, by task id, as a set of names."""
    found = {}
    for run in runs(airflow, "route_documents_on_arrival"):
        path = f"dags/route_documents_on_arrival/dagRuns/{run['dag_run_id']}/taskInstances"
        for task in airflow.request("GET", path)["task_instances"]:
            if task["task_id"] in ("accounting", "legal", "files", "review") and task["state"] == "success":
                entry = f"{path}/{task['task_id']}/xcomEntries/return_value?stringify=false"
                documents = airflow.request("GET", entry)["value"]
                found.setdefault(task["task_id"], set()).update(name.rpartition("/")[2] for name in documents)
    return found


def test_a_document_that_arrives_is_routed_and_a_contract_starts_another_dag(airflow, incoming, samples):
    incoming.mkdir()
    (incoming / "upload.pdf.part").write_bytes((samples / "invoice.pdf").read_bytes()[:1000])
    shutil.copy(samples / "contract.pdf", incoming)
    shutil.copy(samples / "invoice.pdf", incoming)
    wait_until(lambda: handled(airflow) == {"accounting": {"invoice.pdf"}, "legal": {"contract.pdf"}}, 300, pause=1)
    assert reported(airflow) == {"contract.pdf": 1, "invoice.pdf": 1}

    wait_until(lambda: [run["state"] for run in runs(airflow, "contract_arrived")] == ["success"], 120, pause=1)
    [event] = events(airflow, "contracts")
    [contract] = event["extra"]["documents"]
    assert contract["document"] == str(incoming / "contract.pdf")
    assert contract["category"] == "contract"
    assert contract["confidence"] > 0.6
    [run] = runs(airflow, "contract_arrived")
    path = (
        f"dags/contract_arrived/dagRuns/{run['dag_run_id']}/taskInstances/read/xcomEntries/return_value?stringify=false"
    )
    assert airflow.request("GET", path)["value"] == [contract]


def test_a_new_version_under_the_same_name_is_reported_again(airflow, incoming, samples):
    before = reported(airflow)["invoice.pdf"]
    shutil.copy(samples / "letter.pdf", incoming / "invoice.pdf")
    wait_until(lambda: reported(airflow)["invoice.pdf"] == before + 1, 120, pause=1)
    wait_until(lambda: "invoice.pdf" in handled(airflow).get("files", ()), 300, pause=1)


def test_after_a_killed_triggerer_nothing_is_lost_or_reported_twice(airflow, incoming, samples):
    before = reported(airflow)
    kill_triggerer(airflow)
    shutil.copy(samples / "invoice.pdf", incoming / "late.pdf")
    with another_triggerer(airflow):
        wait_until(lambda: reported(airflow)["late.pdf"] == 1, 240, pause=1)
        shutil.copy(samples / "resume.pdf", incoming)
        wait_until(lambda: reported(airflow)["resume.pdf"] == 1, 120, pause=1)
        assert reported(airflow) == before + Counter(["late.pdf", "resume.pdf"])


def test_the_asset_of_a_category_gets_an_event_only_for_its_documents(airflow, samples):
    documents = [str(samples / name) for name in ("letter.pdf", "contract.pdf")]
    with another_triggerer(airflow):
        run = DagRun(airflow, "outlet_cases", {"documents": documents})
        assert run.wait(300) == "success"
    every = {event["extra"]["document"]: event["extra"] for event in events(airflow, "case_documents")}
    assert {name: extra["category"] for name, extra in every.items()} == dict(
        zip(documents, ("letter", "contract"), strict=True)
    )
    [letter] = events(airflow, "case_letters")
    assert letter["extra"] == every[documents[0]]
    assert events(airflow, "case_invoices") == []
    wait_until(lambda: [run["state"] for run in runs(airflow, "outlet_cases_letter")] == ["success"], 120, pause=1)
