"""
Run DAGs by Airflow's REST API, with a real scheduler, triggerer and API server, against the real service.

The engine of the service is held while a task defers, so that the task is waiting when the triggerer is killed.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.support.airflow_run import DagRun
from tests.support.triggerers import another_triggerer, kill_triggerer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]


def triggerers_of(run):
    """Return the ids of the triggerers of the deferred tasks; empty until each task has one."""
    triggers = [task["trigger"] for task in run.tasks("classify")]
    ids = {trigger and trigger["triggerer_id"] for trigger in triggers}
    return set() if None in ids else ids


@pytest.mark.usefixtures("warm")
def test_a_killed_triggerer_loses_and_doubles_nothing(airflow, service, documents):
    before = set(service.jobs())
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
    submitted = set(service.jobs()) - before
    assert submitted == {run.xcom("classify", index)["job_id"] for index in (0, 1)}


def test_the_key_is_in_no_log_and_not_in_the_database(airflow, key):
    files = [path for path in airflow.home.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".log"]
    assert not [path for path in files if key.encode() in path.read_bytes()]
