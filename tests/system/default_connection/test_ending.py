"""Check that a real triggerer ends a task with the same result as a worker, without a second start."""

from __future__ import annotations

import pytest

from tests.support.airflow_run import DagRun
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(420), pytest.mark.usefixtures("warm")]

TASKS = 3


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    for number in range(TASKS):
        text = f"Dear Mrs. Brown,\n\nthank you for your letter no. {number} of 3 May.\n\nYours sincerely\nJohn Smith\n"
        (folder / f"{number:03}.txt").write_text(text)
    return folder


def run_while_the_engine_is_held(airflow, service, letters, dag_id):
    with service.frozen_engine():
        run = DagRun(airflow, dag_id, {"folder": str(letters), "tasks": TASKS})
        wait_until(lambda: [task["state"] for task in run.tasks("classify")] == ["deferred"] * TASKS, 180, pause=0.5)
    assert run.wait() == "success"
    return run


def test_the_trigger_ends_the_task_with_the_result_that_a_worker_gives(airflow, service, letters):
    from_trigger = run_while_the_engine_is_held(airflow, service, letters, "ending_from_trigger")
    on_worker = run_while_the_engine_is_held(airflow, service, letters, "ending_on_worker")

    for index in range(TASKS):
        result, expected = (run.xcom("classify", index) for run in (from_trigger, on_worker))
        assert result["classification"] == "letter"
        assert result["document"] == str(letters / f"{index:03}.txt")
        assert result.pop("job_id") != expected.pop("job_id")
        assert result == expected

    ended_there, ended_here = from_trigger.worker_logs("classify"), on_worker.worker_logs("classify")
    assert len(ended_there) == len(ended_here) == TASKS
    # The worker logs the answer. A task that its trigger ends does not return to a worker.
    assert not any("is letter (confidence" in text for text in ended_there.values())
    assert all("is letter (confidence" in text for text in ended_here.values())
