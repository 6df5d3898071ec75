"""The little of Airflow's task context that ``execute`` uses, for calls outside a run of a DAG."""

from __future__ import annotations

import os
from typing import Any


class TaskInstance:
    """Keeps what is pushed to XCom."""

    dag_id, task_id, map_index = "dag", "t", -1

    def __init__(self, try_number: int) -> None:
        self.try_number = try_number
        self.run_id = os.environ["PYTEST_CURRENT_TEST"]  # each test is a run of its own
        self.xcom: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value


def context(try_number: int = 1) -> dict[str, Any]:
    """A context with a task instance that keeps what is pushed."""
    return {"ti": TaskInstance(try_number)}
