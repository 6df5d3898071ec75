"""
Check in a real Airflow what happens to a job when a user clears or ends its task.

Each case runs a task that waits on a worker and one that waits in the triggerer. The service's engine is held, so
that both tasks are waiting.
"""

from __future__ import annotations

import pytest

from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.airflow_run import DagRun
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(420), pytest.mark.usefixtures("warm")]

TASKS = ("waiting", "deferring")


@pytest.fixture
def submitted(service):
    before = set(service.jobs())
    return lambda: set(service.jobs()) - before


def wait_for(happened):
    """Wait with a pause, since Airflow's API server answers both the tests and the tasks."""
    wait_until(happened, 180, pause=0.5)


def seen(run):
    """Return the state and the try number of each task."""
    instances = run.airflow.request("GET", f"{run.path}/taskInstances")["task_instances"]
    return {instance["task_id"]: (instance["state"], instance["try_number"]) for instance in instances}


def wait_for_both(run, submitted, try_number):
    """Wait until both tasks wait in this try, each with its job, and the triggerer has begun, which its log shows."""
    wait_for(lambda: seen(run) == {"waiting": ("running", try_number), "deferring": ("deferred", try_number)})
    wait_for(lambda: len(submitted()) == 2)
    logs = run.airflow.home / "logs" / "dag_id=interrupted_cases" / f"run_id={run.path.split('/dagRuns/')[1]}"
    wait_for(lambda: list(logs.glob(f"task_id=deferring/attempt={try_number}.log.trigger.*")))


def clear(run):
    dag_path, run_id = run.path.split("/dagRuns/")
    body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": list(TASKS)}
    run.airflow.request("POST", f"{dag_path}/clearTaskInstances", body)


def jobs_in_xcom(run):
    return {run.xcom(task)["job_id"] for task in TASKS}


def test_a_cleared_task_takes_its_job_up(airflow, service, documents, submitted):
    with service.frozen_engine():
        run = DagRun(airflow, "interrupted_cases", {"document": str(documents / "letter.pdf")})
        wait_for_both(run, submitted, try_number=1)
        jobs = submitted()
        clear(run)
        wait_for_both(run, submitted, try_number=2)
        assert submitted() == jobs
    wait_for(lambda: seen(run) == dict.fromkeys(TASKS, ("success", 2)))
    assert jobs_in_xcom(run) == jobs

    clear(run)  # now they are completed
    wait_for(lambda: seen(run) == dict.fromkeys(TASKS, ("success", 3)))
    assert jobs_in_xcom(run) == jobs == submitted()


@pytest.mark.parametrize("state", ["failed", "success"])
def test_the_job_of_a_task_that_a_user_ended_is_cancelled(airflow, service, documents, submitted, state):
    with service.frozen_engine():
        run = DagRun(airflow, "interrupted_cases", {"document": str(documents / "invoice.pdf")})
        wait_for_both(run, submitted, try_number=1)
        for task in TASKS:
            airflow.request("PATCH", f"{run.path}/taskInstances/{task}", {"new_state": state})
        wait_for(lambda: {ClassifyHook("warm").get(job_id).error_kind for job_id in submitted()} == {"JobCancelled"})
        assert seen(run) == dict.fromkeys(TASKS, (state, 1))
