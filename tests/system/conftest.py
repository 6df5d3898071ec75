"""Start a whole Airflow and the service with a key, and write two documents, for each module of tests."""

from __future__ import annotations

import json

import httpx
import pytest
from samples import draw_samples
from standalone import Standalone, free_port

from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.service import running_service
from tests.support.waiting import wait_until

#: Seconds after which another triggerer takes triggers over. Airflow's default is 30.
TAKE_OVER_AFTER = "8"


@pytest.fixture(scope="session")
def key():
    return "key-of-the-system-tests-d2f8"


@pytest.fixture(scope="module")
def service(tmp_path_factory, key):
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, api_key=key, workers=1) as service:
        yield service


@pytest.fixture(scope="module")
def connection(service, key):
    return json.dumps({"conn_type": "classify", "host": service.url, "password": key})


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    draw_samples(folder)
    for path in folder.iterdir():
        if path.name not in ("invoice.pdf", "letter.pdf"):
            path.unlink()
    return folder


@pytest.fixture(scope="module")
def connections(connection):
    """The connections of the Airflow, by id in capitals. A module can define others."""
    return {"CLASSIFY_DEFAULT": connection}


@pytest.fixture(scope="module")
def airflow(connections, tmp_path_factory):
    settings = {
        **{f"AIRFLOW_CONN_{name}": connection for name, connection in connections.items()},
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        # On a busy machine the triggerer's first request to Airflow takes long, and a kill may need it.
        "AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT": "120",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": TAKE_OVER_AFTER,
    }
    wanted = {"classify_incoming_documents", "interrupted_cases", "mapped_branch_cases", "branch_in_mapped_group"}
    wanted |= {"branch_on_category", "sort_by_route", "batch_and_read", "batch_in_shards"}
    with Standalone(tmp_path_factory.mktemp("airflow"), free_port(), settings) as airflow:
        wait_until(lambda: {dag["dag_id"] for dag in airflow.request("GET", "dags")["dags"]} >= wanted, 300, pause=0.5)
        # The first request makes the server import its API for tasks. On a busy machine that takes longer than a task
        # waits.
        httpx.get(f"{airflow.url}/execution/health", timeout=180).raise_for_status()
        yield airflow


@pytest.fixture
def warm(service, documents, connection, monkeypatch):
    """
    Start all processes of the service's engine, since only running ones can be held.

    The second process starts when the first is busy.
    """
    monkeypatch.setenv("AIRFLOW_CONN_WARM", connection)
    hook = ClassifyHook("warm")
    for job_id in [hook.submit(str(documents / "letter.pdf"), ["letter"]).job_id for _ in range(6)]:
        hook.fetch(job_id)
