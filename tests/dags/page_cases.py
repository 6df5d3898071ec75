"""A DAG whose results the tests look at in Airflow's UI."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.operators.classify import ClassifyOperator

with DAG("page_cases", schedule=None):

    @task
    def incoming(dag_run=None):
        return sorted(str(path) for path in Path(dag_run.conf["folder"]).iterdir())

    ClassifyOperator.partial(task_id="classify", categories=["invoice", "contract", "letter"]).expand(
        document=incoming()
    )
