"""Run the operator in every mode in one DAG. Its tests check the results."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor

CATEGORIES = ["invoice", {"name": "contract", "description": "Two parties agree on something"}, "letter"]

with DAG(
    "operator_cases",
    schedule=None,
    params={"connection": Param(type="string"), "folder": Param(type="string")},
) as dag:

    @task
    def documents(params: dict[str, str]) -> list[str]:
        return [f"{params['folder']}/{name}" for name in ("invoice.pdf", "missing.pdf", "letter.pdf")]

    @task
    def storage_paths(params: dict[str, str]) -> list[ObjectStoragePath]:
        return [ObjectStoragePath(f"file://{params['folder']}/{name}") for name in ("invoice.pdf", "letter.pdf")]

    common = {"categories": CATEGORIES, "classify_conn_id": "{{ params.connection }}"}
    contract = "{{ params.folder }}/contract.pdf"
    ClassifyOperator(task_id="waiting", document=contract, deferrable=False, **common)
    ClassifyOperator(task_id="deferring", document=contract, deferrable=True, **common)
    ClassifyOperator.partial(task_id="mapped", **common).expand(document=documents())
    ClassifyOperator.partial(task_id="mapped_storage_paths", **common).expand(document=storage_paths())
    path = Path("{{ params.folder }}") / "contract.pdf"
    ClassifyOperator.partial(task_id="mapped_path", **common).expand(document=[path])
    ClassifyOperator(task_id="path", document=path, **common)
    ClassifyOperator(
        task_id="described",
        document=contract,
        categories={"letter": None, "contract": "Two parties agree on something"},
        classify_conn_id="{{ params.connection }}",
    )
    ClassifyOperator(
        task_id="rendered",
        document=contract,
        categories="{{ ['contract', 'letter'] | tojson }}",
        classify_conn_id="{{ params.connection }}",
    )
    ClassifyOperator(
        task_id="rendered_badly", document=contract, categories="{{ 'contract' }}", classify_conn_id="local"
    )
    submit = ClassifyOperator(task_id="submit", document=contract, wait_for_completion=False, **common)
    for mode in ("poke", "reschedule"):
        ClassifySensor(
            task_id=f"sensor_{mode}", job_id=submit.output, mode=mode, poke_interval=1,
            classify_conn_id="{{ params.connection }}",
        )  # fmt: skip
    ClassifySensor(
        task_id="sensor_deferring",
        job_id="{{ ti.xcom_pull(task_ids='submit', key='job_id') }}",
        deferrable=True,
        classify_conn_id="{{ params.connection }}",
    )
    submit >> dag.get_task("sensor_deferring")
