"""
All uses of Airflow names that are private, or that some versions of Airflow lack.

Each function documents its result for a version (2.11 or newer) that lacks the name. Modules import the names that
``airflow.providers.common.compat`` covers from there.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

# A trigger uses these names on the triggerer's event loop. An import on the loop would block it.
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, AirflowPlugin, Stats, XCom
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent


def stats() -> Any:
    """
    Return the class with ``incr`` and ``timing`` that sends the metrics of this process.

    A task uses the metrics of Airflow's Task SDK, and a trigger those of Airflow itself. Each has its own class, and a
    class that was not initialized sends nothing. Before Airflow 3.2 there is one class for both.
    """
    try:
        from airflow.sdk._shared.observability.metrics import stats as of_tasks
    except ImportError:
        return Stats
    # In Airflow 3.2 the factory is a field of the class. The class looks up all other names in its backend.
    is_field = not hasattr(of_tasks, "_factory")
    factory = type.__getattribute__(Stats, "factory") if is_field else of_tasks._factory
    if factory is not None:
        return Stats
    from airflow.observability.stats import Stats as OfAirflow

    return OfAirflow


def tracer() -> Any:
    """
    Return the tracer of OpenTelemetry for the spans of this package.

    Airflow sets a global tracer provider only since 3.2. Without a provider, the tracer records nothing.
    """
    from opentelemetry import trace

    return trace.get_tracer("airflow_provider_classify")


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
    """Return ``get_task_states`` of a worker's task instance, because that of a trigger lacks this method."""
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:  # Airflow 2.x
        return None
    return getattr(RuntimeTaskInstance, "get_task_states", None)


def human_in_the_loop_operator() -> type[Any] | None:
    """
    Return ``HITLOperator`` of Airflow's standard provider.

    :returns: ``None`` before Airflow 3.1, where the UI has no page for it, and before the version 1.12.2 of the
        provider, where its ``execution_timeout`` could fail the task before it waits (apache/airflow#63475).
    """
    try:
        from airflow.providers.standard.operators.hitl import HITLOperator
    except (ImportError, AirflowOptionalProviderFeatureException):
        return None
    has_timeout = "response_timeout" in inspect.signature(HITLOperator.__init__).parameters
    return cast("type[Any]", HITLOperator) if has_timeout else None


def has_pages() -> bool:
    """Return whether plugins can add pages to Airflow's UI (3.1 or newer)."""
    return hasattr(AirflowPlugin, "external_views")


def task_state_store(context: Mapping[str, Any]) -> Any | None:
    """Return the store that keeps the state of a task for its next tries; ``None`` before Airflow 3.3."""
    return context.get("task_state_store")


def can_end_task_from_trigger(task_instance: Any | None) -> bool:
    """
    Return whether a trigger can write XCom and end its task as successful.

    Before Airflow 3.1, it cannot. Neither can a trigger in ``dag.test()``, which has no task instance.
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


def mapped_task_group(task: Any) -> Any | None:
    """Return the mapped task group that contains a task; ``None`` for any other task. Airflow does not nest them."""
    return task.get_closest_mapped_task_group()


def count_instances(task_instance: Any, task_ids: Sequence[str], map_index: int) -> int | None:
    """Return how many of these tasks have an instance with this map index; ``None`` in Airflow 2.x."""
    if not hasattr(task_instance, "get_ti_count"):
        return None
    count: int = task_instance.get_ti_count(
        dag_id=task_instance.dag_id, run_ids=[task_instance.run_id], task_ids=list(task_ids), map_index=map_index
    )
    return count


def reschedule(pause: timedelta) -> Exception:
    """Return the exception that makes Airflow 3 start the task again after a pause, as the same try."""
    from airflow.sdk.exceptions import AirflowRescheduleException

    return AirflowRescheduleException(datetime.now(UTC) + pause)


def skip_instances(task_instance: Any, task_ids: Sequence[str]) -> None:
    """
    Skip the instances of other tasks in the same mapped task group, after ``do_branch``.

    In Airflow 3, ``do_branch`` leaves this skip to the scheduler, and since 3.2 the scheduler does not do it
    (apache/airflow#67265). In Airflow 2.x, ``do_branch`` and the scheduler do it.

    :raises DownstreamTasksSkipped: the signal to Airflow 3, which skips the instances and ends the task as successful.
    """
    try:
        from airflow.sdk.exceptions import DownstreamTasksSkipped
    except ImportError:  # Airflow 2.x
        return
    if task_ids:
        raise DownstreamTasksSkipped(tasks=[(task_id, task_instance.map_index) for task_id in task_ids])
