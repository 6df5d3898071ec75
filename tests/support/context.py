"""The little of Airflow's task context that ``execute`` uses, for calls outside a run of a DAG."""

from __future__ import annotations

from typing import Any


class TaskInstance:
    """Keeps what is pushed to XCom."""

    def __init__(self) -> None:
        self.xcom: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value


def context() -> dict[str, Any]:
    """A context with a task instance that keeps what is pushed."""
    return {"ti": TaskInstance()}
