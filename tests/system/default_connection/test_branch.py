"""Check on a real scheduler that each instance of a mapped task group follows only its own branch."""

from __future__ import annotations

import pytest
from airflow import __version__

from tests.dags.mapped_branch_cases import CATEGORIES
from tests.support.airflow_run import DagRun

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

FOLLOWED = {"invoice": {"pay"}, "contract": {"legal", "archive"}, "letter": {"archive"}}


def states(run, task_id):
    return {task["map_index"]: task["state"] for task in run.tasks(task_id)}


def test_each_instance_of_a_mapped_group_follows_its_own_branch(airflow):
    run = DagRun(airflow, "mapped_branch_cases", {})
    assert run.wait(300) == "success"

    followed = [FOLLOWED[category] for category in CATEGORIES[:-1]] + [{"person"}]
    for leg in ("pay", "legal", "archive", "person"):
        expected = {index: "success" if leg in names else "skipped" for index, names in enumerate(followed)}
        assert states(run, f"each.{leg}") == expected
    assert set(states(run, "each.join").values()) == {"success"}
    assert run.xcom("each.branch", len(CATEGORIES) - 1)["document"] == f"{len(CATEGORIES) - 1}.pdf"


def test_the_example_with_a_branch_for_each_document_of_a_folder(airflow, documents):
    run = DagRun(airflow, "branch_on_category", {"folder": str(documents)})
    assert run.wait(300) == "success"

    # The documents are an invoice and a letter.
    assert states(run, "each_document.pay") == {0: "success", 1: "skipped"}
    assert states(run, "each_document.archive") == {0: "skipped", 1: "success"}
    for leg in ("legal", "ask"):
        assert states(run, f"each_document.{leg}") == {0: "skipped", 1: "skipped"}


def test_the_example_that_maps_tasks_over_the_list_of_each_route(airflow, documents):
    run = DagRun(airflow, "sort_by_route", {"folder": str(documents)})
    assert run.wait(300) == "success"

    assert [result["document"] for result in run.xcom("sort_by_route.to_pay")] == [f"{documents}/invoice.pdf"]
    assert states(run, "pay") == {0: "success"}
    assert states(run, "archive") == {0: "success"}
    assert set(states(run, "ask_a_person").values()) == {"skipped"}


@pytest.mark.skipif(not __version__.startswith("3.3."), reason="It was seen with Airflow 3.2 and 3.3.")
def test_a_branch_of_airflow_itself_runs_every_leg(airflow):
    """If this fails, Airflow has corrected it, and ``compat.skip_instances`` may not be needed for that version."""
    run = DagRun(airflow, "branch_in_mapped_group", {})
    assert run.wait(300) == "success"
    for leg in ("even", "odd"):
        assert states(run, f"each.{leg}") == {0: "success", 1: "success"}, "the branch asked for one of them"
