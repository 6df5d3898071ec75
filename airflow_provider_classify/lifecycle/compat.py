"""
All uses of Airflow names that are private or that only some versions of Airflow have.

Each function documents its result for a version (2.11 or newer) that lacks the name. Modules import the names that
``airflow.providers.common.compat`` covers from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

# A trigger uses these names on the triggerer's event loop. An import on the loop would block it.
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, XCom
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent


def task_states(task_instance: Any) -> Mapping[str, Mapping[str, str | None]] | None:
    """
    Ask Airflow's API for the states of a task instance and of its mapped siblings.

    This blocks, so do not call it on an event loop.

    :param task_instance: the ``ti`` of a task's context, or the ``task_instance`` of a trigger.
    :returns: the states by run id, then by task id. The key of a mapped task is ``<task_id>_<map_index>``. ``None``
        if Airflow has no such API (2.x).
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
    """Return the function behind ``get_task_states``, a method that the task instance of a trigger lacks."""
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:  # Airflow 2.x
        return None
    return getattr(RuntimeTaskInstance, "get_task_states", None)


def human_in_the_loop_operator() -> type[Any] | None:
    """Return ``HITLOperator`` of Airflow's standard provider; ``None`` before Airflow 3.1, which has no such page."""
    try:
        from airflow.providers.standard.operators.hitl import HITLOperator
    except (ImportError, AirflowOptionalProviderFeatureException):
        return None
    return cast("type[Any]", HITLOperator)


def task_state_store(context: Mapping[str, Any]) -> Any | None:
    """Return the store that keeps the state of a task for its next tries; ``None`` before Airflow 3.3."""
    return context.get("task_state_store")


def can_end_task_from_trigger(task_instance: Any | None) -> bool:
    """
    Return whether a trigger can write XCom and end its task as successful.

    Airflow 2.x cannot. Neither can a trigger in ``dag.test()``, which has no task instance.
    """
    return task_instance is not None and hasattr(XCom, "aset")


async def push_xcom(task_instance: Any, value: Any, key: str = "return_value") -> None:
    """
    Write to the XCom of a trigger's task. Call it only if :func:`can_end_task_from_trigger` is true.

    It does not use ``TaskSuccessEvent(xcoms=…)``, because Airflow 3.3.2 encodes those values twice.
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
    """Return the event that ends a trigger's task. Call it only if :func:`can_end_task_from_trigger` is true."""
    return TaskSuccessEvent()
