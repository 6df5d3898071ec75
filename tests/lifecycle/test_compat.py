"""
What of Airflow is private or depends on its version.

The tests run with whatever Airflow is installed: what 2.11 lacks, it is expected to lack.
"""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import airflow
import pytest
from airflow.triggers.base import TriggerEvent

from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.cancel import has_ended

IS_AIRFLOW_2 = airflow.__version__.startswith("2.")
HAS_XCOM_IN_TRIGGERS = hasattr(compat.XCom, "aset")
FIELDS = {"dag_id": "dag", "task_id": "t", "run_id": "run", "map_index": 3}


def test_on_a_worker_the_task_instance_of_the_context_is_asked() -> None:
    asked: dict[str, Any] = {}

    def get_task_states(**question: Any) -> dict[str, dict[str, str]]:
        asked.update(question)
        return {"run": {"t_3": "failed"}}

    task_instance = SimpleNamespace(**FIELDS, get_task_states=get_task_states)
    assert compat.task_states(task_instance) == {"run": {"t_3": "failed"}}
    assert asked == {"dag_id": "dag", "run_ids": ["run"], "task_ids": ["t"], "map_index": 3}
    assert has_ended(task_instance)


@pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no API for task states")
def test_what_is_called_takes_what_is_passed() -> None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    ask = compat._task_states_in_triggerer()
    assert ask is RuntimeTaskInstance.get_task_states
    inspect.signature(ask).bind(dag_id="dag", run_ids=["run"], task_ids=["t"], map_index=3)


@pytest.mark.skipif(not IS_AIRFLOW_2, reason="Airflow 3 has an API for task states")
def test_airflow_2_does_not_tell_states() -> None:
    assert compat.task_states(SimpleNamespace(**FIELDS)) is None
    assert not has_ended(SimpleNamespace(**FIELDS))


def test_a_trigger_that_can_write_xcom_can_end_its_task() -> None:
    assert compat.can_end_task_from_trigger(SimpleNamespace(**FIELDS)) is HAS_XCOM_IN_TRIGGERS
    assert not compat.can_end_task_from_trigger(None), "dag.test() gives a trigger no task instance"


def test_the_event_that_ends_a_task_is_a_trigger_event() -> None:
    event = compat.task_success_event()
    assert isinstance(event, TriggerEvent)
    assert event.task_instance_state == "success"


@pytest.mark.skipif(not HAS_XCOM_IN_TRIGGERS, reason="A trigger can write XCom since Airflow 3.1")
def test_xcom_takes_what_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {}
    signature = inspect.signature(compat.XCom.aset)

    async def aset(**arguments: Any) -> None:
        signature.bind(**arguments)
        written.update(arguments)

    monkeypatch.setattr(compat.XCom, "aset", aset)
    asyncio.run(compat.push_xcom(SimpleNamespace(**FIELDS), {"classification": "letter"}))
    assert written == {**FIELDS, "key": "return_value", "value": {"classification": "letter"}}


def test_a_process_without_the_metrics_of_tasks_has_those_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    of_tasks = pytest.importorskip("airflow.sdk._shared.observability.metrics.stats")
    from airflow.observability import stats

    def initialize(factory: object) -> None:
        if hasattr(of_tasks, "_factory"):
            monkeypatch.setattr(of_tasks, "_factory", factory)
        else:  # Airflow 3.2, whose class looks up other names than this one in its backend
            type.__setattr__(of_tasks.Stats, "factory", factory)

    initialize(None)
    assert compat.stats() is stats.Stats
    initialize(object)
    assert compat.stats() is compat.Stats
    initialize(None)


def test_a_context_without_a_store_has_none() -> None:
    store = object()
    assert compat.task_state_store({}) is None
    assert compat.task_state_store({"task_state_store": store}) is store
