"""
A real scheduler, triggerer and API server, driven by Airflow's REST API, against the real service.

The engine of the service is held while a task defers, so that the task is certain to be waiting when
the triggerer is killed.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import ExitStack, contextmanager

import psutil
import pytest
from samples import draw_samples
from standalone import BIN, Standalone, free_port

from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.airflow_run import DagRun
from tests.support.service import running_service
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

KEY = "key-of-the-system-test-d2f8"
#: Faster than Airflow's 30 s, so that the test is.
TAKE_OVER_AFTER = "8"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, api_key=KEY) as service:
        yield service


@pytest.fixture(scope="module")
def connection(service):
    return json.dumps({"conn_type": "classify", "host": service.url, "password": KEY})


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    draw_samples(folder)
    for path in folder.iterdir():
        if path.name not in ("invoice.pdf", "letter.pdf"):
            path.unlink()
    return folder


@pytest.fixture(scope="module")
def airflow(connection, tmp_path_factory):
    settings = {
        "AIRFLOW_CONN_CLASSIFY_DEFAULT": connection,
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": TAKE_OVER_AFTER,
    }
    with Standalone(tmp_path_factory.mktemp("airflow"), free_port(), settings) as airflow:
        wait_until(lambda: airflow.request("GET", "dags")["total_entries"] >= 2)
        yield airflow


@pytest.fixture
def warm(service, documents, connection, monkeypatch):
    """Have the service's engine started: only running processes can be held."""
    monkeypatch.setenv("AIRFLOW_CONN_WARM", connection)
    for _ in range(2):
        hook = ClassifyHook("warm")
        hook.fetch(hook.submit(str(documents / "letter.pdf"), ["letter"]).job_id)


def jobs_of(service):
    [record] = service.log.parent.rglob("*.db")
    with sqlite3.connect(record) as database:
        return [row[0] for row in database.execute("SELECT job_id FROM classify_jobs")]


def triggerers_of(run):
    """The ids of the triggerers that watch the deferred tasks; empty while one has not been assigned."""
    triggers = [task["trigger"] for task in run.tasks("classify")]
    ids = {trigger and trigger["triggerer_id"] for trigger in triggers}
    return set() if None in ids else ids


def kill_triggerer(airflow):
    [triggerer] = [child for child in psutil.Process(airflow.pid).children() if child.cmdline()[-1:] == ["triggerer"]]
    family = [triggerer, *triggerer.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)


@contextmanager
def another_triggerer(airflow):
    with (airflow.home / "second-triggerer.log").open("w") as log:
        process = subprocess.Popen(
            [str(BIN / "airflow"), "triggerer"], env=airflow.environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.usefixtures("warm")
def test_a_killed_triggerer_loses_and_doubles_nothing(airflow, service, documents):
    before = set(jobs_of(service))
    with ExitStack() as stack:
        with service.frozen_engine():
            run = DagRun(airflow, "classify_incoming_documents", {"folder": str(documents)})
            wait_until(lambda: run.states("classify") == {"deferred"} and triggerers_of(run))
            first = triggerers_of(run)
            kill_triggerer(airflow)
            stack.enter_context(another_triggerer(airflow))
            wait_until(lambda: triggerers_of(run) and not triggerers_of(run) & first)
            assert run.states("classify") == {"deferred"}
        assert run.wait() == "success"

    rows = {row["document"].rpartition("/")[2]: row["category"] for row in run.xcom("summary")}
    assert rows == {"invoice.pdf": "invoice", "letter.pdf": "letter"}
    assert [task["try_number"] for task in run.tasks("classify")] == [1, 1]
    submitted = set(jobs_of(service)) - before
    assert submitted == {run.xcom("classify", index)["job_id"] for index in (0, 1)}


def test_the_key_is_in_no_log_and_not_in_the_database(airflow):
    files = [path for path in airflow.home.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".log"]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
