"""The address of a task instance, to which a batch belongs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """The address of a task instance, the same for all its tries. A task that is not mapped has ``map_index`` -1."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1

    @classmethod
    def of(cls, task_instance: Any) -> TaskAddress:
        """Return the address of a task instance, the ``ti`` of a task's context."""
        index = task_instance.map_index
        return cls(
            task_instance.dag_id, task_instance.task_id, task_instance.run_id, -1 if index is None else int(index)
        )

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> TaskAddress:
        """Parse the result of :meth:`to_json`. :raises ValueError: it is not an address."""
        try:
            return cls(**payload)
        except TypeError as error:
            raise ValueError("not the address of a task") from error

    def to_json(self) -> dict[str, Any]:
        """Return the address as a JSON object."""
        return asdict(self)

    @property
    def safe_name(self) -> str:
        """A file name for any storage: a readable part of at most 100 characters, and a hash of the address."""
        parts = [self.dag_id, self.task_id, self.run_id, *([] if self.map_index < 0 else [str(self.map_index)])]
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", ".".join(parts))[:100].strip("-")
        return f"{readable}-{hashlib.sha256(repr(self).encode()).hexdigest()[:12]}"

    def __str__(self) -> str:
        index = "" if self.map_index < 0 else f", map index {self.map_index}"
        return f"the task {self.task_id} of the DAG {self.dag_id} (run {self.run_id}{index})"


#: A function that returns whether a task is in a terminal state; ``False`` if that is unknown.
HasEnded = Callable[[TaskAddress], bool]
