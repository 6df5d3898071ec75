"""Classify the same documents in tasks that resume on a worker and in tasks that their triggers end."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator

for _end_from_trigger in (False, True):
    with DAG(
        f"ending_{'from_trigger' if _end_from_trigger else 'on_worker'}",
        schedule=None,
        max_active_tasks=200,
        params={"folder": Param(type="string"), "tasks": Param(1, type="integer")},
    ) as _dag:

        @task
        def documents(params: dict[str, object]) -> list[str]:
            return [f"{params['folder']}/{number:03}.txt" for number in range(int(str(params["tasks"])))]

        ClassifyOperator.partial(
            task_id="classify",
            categories=["letter", "invoice"],
            deferrable=True,
            poll_interval=1,
            end_from_trigger=_end_from_trigger,
        ).expand(document=documents())
    globals()[_dag.dag_id] = _dag
