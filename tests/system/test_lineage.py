"""What a real Airflow sends of classifications: OpenLineage events to files, metrics over UDP, and spans over HTTP."""

from __future__ import annotations

import json

import pytest

from tests.support.airflow_run import DagRun
from tests.support.statsd import statsd_server
from tests.support.system_airflow import system_airflow
from tests.support.traces import Collector
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
pytest.importorskip("airflow.providers.openlineage")

DAGS = ("tests/dags/lineage_cases.py",)


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    return tmp_path_factory.mktemp("openlineage") / "event"


@pytest.fixture(scope="module")
def statsd():
    with statsd_server() as server:
        yield server


@pytest.fixture(scope="module")
def collector():
    with Collector().listening() as collector:
        yield collector


@pytest.fixture(scope="module")
def airflow(connection, tmp_path_factory, events, statsd, collector):
    environment = {
        **statsd.environment,
        **collector.environment,
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(events), "append": False}),
    }
    connections = {"CLASSIFY_DEFAULT": connection}
    with system_airflow(tmp_path_factory.mktemp("airflow"), DAGS, connections, environment) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def completed(airflow, documents, output, events):
    """Run the DAG. Return the last events of its tasks by task id."""
    run = DagRun(airflow, "lineage_cases", {"folder": str(documents), "output": str(output)})
    assert run.wait(600) == "success"
    wanted = {"deferred", "batch", "sharded.merge", "branch"}

    def found():
        read = [json.loads(path.read_text()) for path in sorted(events.parent.glob("event-*.json"))]
        by_task = {event["job"]["name"].removeprefix("lineage_cases."): event for event in read}
        return {task: event for task, event in by_task.items() if event["eventType"] == "COMPLETE"}

    wait_until(lambda: wanted <= set(found()), 60, pause=0.5)
    return found()


def names(datasets):
    return [(dataset["namespace"], dataset["name"]) for dataset in datasets]


def test_a_deferred_task_tells_its_answer(completed, documents):
    event = completed["deferred"]
    assert names(event["inputs"]) == [("file", str(documents / "letter.pdf"))]
    answer = event["run"]["facets"]["classify_answer"]
    assert answer["classification"] == "letter"
    assert event["inputs"][0]["facets"]["classify_answer"]["confidence"] == answer["confidence"]


def test_a_batch_tells_its_output(completed, documents, output):
    event = completed["batch"]
    assert names(event["inputs"]) == [("file", str(documents))]
    assert names(event["outputs"]) == [("file", str(output / "batch.jsonl"))]
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert event["run"]["facets"]["classify_batch"]["categories"] == {"invoice": 1, "letter": 1}


def test_a_batch_in_shards_tells_one_output(completed, documents, output):
    event = completed["sharded.merge"]
    assert names(event["inputs"]) == [("file", str(documents))]
    assert names(event["outputs"]) == [("file", str(output / "sharded.csv"))]
    assert completed["sharded.shard"]["outputs"] == []


def test_a_branch_tells_its_route(completed):
    answer = completed["branch"]["run"]["facets"]["classify_answer"]
    assert (answer["classification"], answer["route"]) == ("invoice", ["pay"])


@pytest.mark.usefixtures("completed")
def test_workers_and_triggerer_send_metrics(statsd):
    counts = statsd.counts()
    # two single documents, and two documents in each of the two batches
    assert counts["classify.submitted,backend=api"] == 6
    assert counts["classify.completed,backend=api,category=letter"] == 3
    assert counts["classify.completed,backend=api,category=invoice"] == 3
    assert counts["classify.looks,backend=api"] >= 6
    # the triggerer measures the deferred task and the deferred batch, and a worker the branch
    assert len(statsd.milliseconds("classify.duration,backend=api")) == 4


@pytest.mark.usefixtures("completed")
def test_workers_and_triggerer_send_spans(collector, documents):
    # The branch waits on its worker. A deferred task has no such span if its job has ended before it defers.
    wait_until(lambda: collector.named("classify.wait") and len(collector.named("classify.batch")) >= 4, 60, pause=0.5)
    assert {span.attributes["classify.backend"] for span in collector.named("classify.submit")} == {"api"}
    submitted = {span.attributes["classify.document"] for span in collector.named("classify.submit")}
    assert submitted == {str(documents / name) for name in ("letter.pdf", "invoice.pdf")}
    traces = {span.trace_id for span in collector.spans if span.name.startswith("classify.")}
    assert len(traces) == 1, "all spans belong to the trace of the run"
