"""
Whether a task that was killed has ended for good.

Airflow calls ``on_kill`` also where the job is still needed. The next try of a cleared task may have taken
the job up before the old trigger is killed; a worker that shuts down kills a task that will be retried; a
trigger is killed when another triggerer takes it over (apache/airflow#73454). So only a task instance in a
terminal state has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.lifecycle.compat import task_states

_TERMINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


def has_given_up(task_instance: Any) -> bool:
    """
    Ask Airflow whether a task instance is in a terminal state.

    This blocks: do not call it on an event loop. Airflow 2.x cannot tell, and the answer is ``False``.
    """
    states = task_states(task_instance)
    if states is None:
        return False
    return is_over(states, task_instance.run_id, task_instance.task_id, task_instance.map_index)


def is_over(states: Mapping[str, Mapping[str, str | None]], run_id: str, task_id: str, map_index: int | None) -> bool:
    """
    Return whether the states (as of :func:`compat.task_states`) show this task instance in a terminal state.

    A task instance that is not among them has not ended.
    """
    unmapped = map_index is None or map_index < 0
    return states.get(run_id, {}).get(task_id if unmapped else f"{task_id}_{map_index}") in _TERMINAL
