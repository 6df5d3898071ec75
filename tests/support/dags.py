"""Run DAGs in this process, against the real Airflow database of the tests."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import airflow
from airflow.providers.common.compat.sdk import DAG, get_listener_manager, hookimpl


@dataclass
class Run:
    """
    A finished run of a DAG.

    :param task_states: the state of each task instance by (task id, map index).
    :param starts: the number of starts by task id. A task that defers starts again when it resumes.
    """

    state: str
    task_states: dict[tuple[str, int], str | None]
    starts: Counter[str]
    _dag_run: Any

    def xcom(self, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """Return the value that the task instance pushed."""
        instance = self._dag_run.get_task_instance(task_id, map_index=map_index)
        return instance.xcom_pull(task_ids=task_id, map_indexes=map_index, key=key)


def run_dag(dag: DAG, **params: Any) -> Run:
    """Run ``dag.test()``. If a task fails, the states of the result show it, and no error is raised."""
    migrate_database()
    if airflow.__version__.startswith("2."):
        # Airflow 2 does not import the tables of its FAB provider, to which its own tables refer.
        importlib.import_module("airflow.providers.fab.auth_manager.models")
    starts = _Starts()
    get_listener_manager().add_listener(starts)
    dag_run = dag.test(run_conf=params)
    get_listener_manager().pm.unregister(starts)
    return Run(
        state=str(dag_run.state),
        task_states={(ti.task_id, ti.map_index): ti.state for ti in dag_run.get_task_instances()},
        starts=starts.count,
        _dag_run=dag_run,
    )


class _Starts:
    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        self.count[task_instance.task_id] += 1


@functools.cache
def migrate_database() -> None:
    """Create Airflow's tables, once for all tests."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
