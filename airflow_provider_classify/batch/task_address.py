"""Which task of which run a batch belongs to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """A task instance, the same for all its tries. ``map_index`` is -1 for a task that is not mapped."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1

    @classmethod
    def of(cls, task_instance: Any) -> TaskAddress:
        """Return the address of the task instance in a task's context."""
        index = task_instance.map_index
        return cls(
            task_instance.dag_id, task_instance.task_id, task_instance.run_id, -1 if index is None else int(index)
        )

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> TaskAddress:
        """Read what :meth:`to_json` returns. :raises ValueError: it is something else."""
        try:
            return cls(**payload)
        except TypeError as error:
            raise ValueError("not the address of a task") from error

    def to_json(self) -> dict[str, Any]:
        """Return the four parts."""
        return asdict(self)

    @property
    def safe_name(self) -> str:
        """A name for files on any storage: the readable part is cut short, and a hash tells addresses apart."""
        parts = [self.dag_id, self.task_id, self.run_id, *([] if self.map_index < 0 else [str(self.map_index)])]
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", ".".join(parts))[:100].strip("-")
        return f"{readable}-{hashlib.sha256(repr(self).encode()).hexdigest()[:12]}"

    def __str__(self) -> str:
        index = "" if self.map_index < 0 else f", map index {self.map_index}"
        return f"the task {self.task_id} of the DAG {self.dag_id} (run {self.run_id}{index})"


#: Tells whether a task has ended for good; ``False`` where that cannot be known.
HasEnded = Callable[[TaskAddress], bool]
