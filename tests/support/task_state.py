"""The state of a task in memory, in place of Airflow's task state store."""

from __future__ import annotations

import json
from typing import Any


class TaskState(dict[str, Any]):
    """
    The state of one task. Its values are JSON, as in Airflow.

    ``writes`` is the number of writes that still succeed. Each later write fails, as if the API server were down.
    """

    writes = 1000

    def set(self, key: str, value: Any) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise ConnectionError("the API server is away")
        self[key] = json.loads(json.dumps(value))


class UnreadableTaskState(TaskState):
    """A state of which each read fails."""

    def get(self, key: str, default: Any = None) -> Any:
        raise ConnectionError("the API server is away")
