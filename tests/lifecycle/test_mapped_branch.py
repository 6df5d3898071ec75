"""What Airflow itself does with a branch in a mapped task group."""

from __future__ import annotations

import airflow
import pytest

from tests.dags import branch_in_mapped_group
from tests.support.dags import run_dag


@pytest.mark.skipif(not airflow.__version__.startswith("3.3."), reason="It was seen with Airflow 3.2 and 3.3.")
def test_airflow_runs_every_leg():
    """If this fails, Airflow has corrected it, and ``compat.skip_instances`` may not be needed for that version."""
    run = run_dag(branch_in_mapped_group.dag)
    assert run.state == "success"
    legs = {(leg, index): run.task_states[f"each.{leg}", index] for leg in ("even", "odd") for index in (0, 1)}
    assert set(legs.values()) == {"success"}, "the branch asked for two of the four"
