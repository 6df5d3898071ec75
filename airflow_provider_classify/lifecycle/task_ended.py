"""
Whether a task that was killed has given its job up.

Airflow calls ``on_kill`` also where the job is still wanted. A cleared task's next try may have taken the
job up before the old trigger is killed (6 ms to 2 s were measured between the two); a worker that shuts
down kills a task that will be retried; a trigger is killed when another triggerer takes it over
(apache/airflow#73454). So only a task instance in a terminal state counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TERMINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


def has_given_up(task_instance: Any) -> bool:
    """
    Ask Airflow's API for the state of a task instance. It blocks; not for an event loop.

    Airflow 2 has no such API, and the answer is no.
    """
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:
        return False
    states = RuntimeTaskInstance.get_task_states(
        dag_id=task_instance.dag_id,
        run_ids=[task_instance.run_id],
        task_ids=[task_instance.task_id],
        map_index=task_instance.map_index,
    )
    return is_over(states, task_instance.run_id, task_instance.task_id, task_instance.map_index)


def is_over(states: Mapping[str, Mapping[str, str | None]], run_id: str, task_id: str, map_index: int | None) -> bool:
    """
    Read the answer: states by run, and by task id, to which a mapped task's index is added with a ``_``.

    What is not in the answer is not over.
    """
    unmapped = map_index is None or map_index < 0
    return states.get(run_id, {}).get(task_id if unmapped else f"{task_id}_{map_index}") in _TERMINAL
