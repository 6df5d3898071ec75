"""Write runs and results into Airflow's metadata database, as tasks do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import String, delete, insert

BUNDLE = "tests"


@dataclass(frozen=True)
class Value:
    """A value that a task pushes to XCom."""

    value: Any
    task_id: str = "classify"
    map_index: int = -1
    key: str = "return_value"


def write_run(dag_id: str, run_id: str, values: Sequence[Value], at: datetime | None = None) -> None:
    """Write a successful run whose tasks pushed these values at the time ``at``, by default now."""
    at = at or datetime.now(UTC)
    with create_session() as session:
        if session.get(DagBundleModel, BUNDLE) is None:
            session.add(DagBundleModel(name=BUNDLE))
            session.flush()
        if session.get(DagModel, dag_id) is None:
            session.add(DagModel(dag_id=dag_id, bundle_name=BUNDLE, fileloc="/dags/file.py"))
        run = DagRun(
            dag_id=dag_id,
            run_id=run_id,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            run_after=at,
            logical_date=None,
            state=DagRunState.SUCCESS,
        )
        session.add(run)
        session.flush()
        session.execute(insert(TaskInstance), list(_instances(dag_id, run_id, values)))
        rows = [
            {
                "dag_run_id": run.id,
                "dag_id": dag_id,
                "run_id": run_id,
                "task_id": value.task_id,
                "map_index": value.map_index,
                "key": value.key,
                "value": XComModel.serialize_value(value.value),
                "timestamp": at,
            }
            for value in values
        ]
        session.execute(insert(XComModel), rows)


def delete_runs(dag_id: str) -> None:
    """Delete the runs of a DAG with their results."""
    with create_session() as session:
        session.execute(delete(XComModel).where(XComModel.dag_id == dag_id))
        session.execute(delete(TaskInstance).where(TaskInstance.dag_id == dag_id))
        session.execute(delete(DagRun).where(DagRun.dag_id == dag_id))


def _instances(dag_id: str, run_id: str, values: Iterable[Value]) -> Iterable[dict[str, Any]]:
    for task_id, map_index in dict.fromkeys((value.task_id, value.map_index) for value in values):
        yield {
            "id": str(uuid4()) if isinstance(TaskInstance.id.type, String) else uuid4(),
            "dag_id": dag_id,
            "run_id": run_id,
            "task_id": task_id,
            "map_index": map_index,
            "state": "success",
            "pool": "default_pool",
            "queue": "default",
            "try_number": 1,
            "max_tries": 0,
            "hostname": "",
            "pool_slots": 1,
            "executor_config": {},
            "custom_operator_name": "",
        }
