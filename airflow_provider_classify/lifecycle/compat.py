"""
Every Airflow name that is private, or that only some versions of Airflow have.

Each function says what it does where the running Airflow (2.11 or newer) lacks the name. What
``airflow.providers.common.compat`` covers is imported from there, by the modules that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A trigger uses these on the triggerer's event loop, which an import there would block.
from airflow.providers.common.compat.sdk import XCom
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent


def task_states(task_instance: Any) -> Mapping[str, Mapping[str, str | None]] | None:
    """
    Ask Airflow's API for the states of a task instance and of its mapped siblings.

    This blocks: do not call it on an event loop.

    :param task_instance: the one in the task's context, or the one that the triggerer gives a trigger.
    :returns: states by run id, then by task id, to which a mapped task's index is added with a ``_``;
        ``None`` where Airflow has no such API (2.x).
    """
    ask = getattr(task_instance, "get_task_states", None) or _task_states_in_triggerer()
    if ask is None:
        return None
    answer: Mapping[str, Mapping[str, str | None]] = ask(
        dag_id=task_instance.dag_id,
        run_ids=[task_instance.run_id],
        task_ids=[task_instance.task_id],
        map_index=task_instance.map_index,
    )
    return answer


def _task_states_in_triggerer() -> Any:
    """Return the function behind ``get_task_states``: the triggerer's task instances do not have the method."""
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:  # Airflow 2.x
        return None
    return getattr(RuntimeTaskInstance, "get_task_states", None)


def task_state_store(context: Mapping[str, Any]) -> Any | None:
    """Return the store that keeps a task's state across its tries; ``None`` before Airflow 3.3."""
    return context.get("task_state_store")


def can_end_task_from_trigger(task_instance: Any | None) -> bool:
    """
    Return whether a trigger can write XCom and end its task as successful.

    Airflow 2.x cannot. Neither can a trigger in ``dag.test()``, which has no task instance.
    """
    return task_instance is not None and hasattr(XCom, "aset")


async def push_xcom(task_instance: Any, value: Any, key: str = "return_value") -> None:
    """
    Write to the XCom of a trigger's task, where :func:`can_end_task_from_trigger` is true.

    ``TaskSuccessEvent(xcoms=…)`` does not serve: Airflow 3.3.2 encodes its values twice.
    """
    await XCom.aset(
        key=key,
        value=value,
        dag_id=task_instance.dag_id,
        task_id=task_instance.task_id,
        run_id=task_instance.run_id,
        map_index=task_instance.map_index,
    )


def task_success_event() -> TriggerEvent:
    """Return the event that ends a trigger's task, where :func:`can_end_task_from_trigger` is true."""
    return TaskSuccessEvent()
