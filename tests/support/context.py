"""Replace the part of Airflow's task context that ``execute`` uses, for calls outside a run of a DAG."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from airflow.triggers.base import BaseTrigger


class TaskInstance:
    """A task instance in a given state, which keeps the values pushed to XCom."""

    dag_id, task_id, map_index = "dag", "t", -1

    def __init__(self, try_number: int, state: str) -> None:
        self.try_number = try_number
        self.state = state
        self.run_id = os.environ["PYTEST_CURRENT_TEST"]  # each test is its own run
        self.xcom: dict[str, Any] = {}

    def get_task_states(self, **_: object) -> dict[str, dict[str, str]]:
        return {self.run_id: {self.task_id: self.state}}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value

    def xcom_pull(self, task_ids: str | None = None, key: str = "return_value", **_: object) -> Any:
        return self.xcom.get(key)


def with_task(trigger: BaseTrigger, state: str) -> Any:
    """Attach a task instance in this state to a trigger. The system and fault tests use a real Airflow instead."""

    def get_task_states(**_: object) -> dict[str, dict[str, str]]:
        return {"run": {"t": state}}

    trigger.task_instance = SimpleNamespace(
        dag_id="dag", task_id="t", run_id="run", map_index=-1, task=None, get_task_states=get_task_states
    )
    return trigger


def context(try_number: int = 1, state: str = "running") -> dict[str, Any]:
    """Return a context with a task instance in this state, which keeps the values pushed to XCom."""
    return {"ti": TaskInstance(try_number, state)}
