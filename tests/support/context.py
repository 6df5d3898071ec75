"""The little of Airflow's task context that ``execute`` uses, for calls outside a run of a DAG."""

from __future__ import annotations

from typing import Any


class TaskInstance:
    """Keeps what is pushed to XCom."""

    dag_id, task_id, run_id, map_index = "dag", "t", "run", -1

    def __init__(self) -> None:
        self.xcom: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value


def context() -> dict[str, Any]:
    """A context with a task instance that keeps what is pushed."""
    return {"ti": TaskInstance()}
