"""Classify the same documents in one batch task and in mapped tasks."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

PARAMS = {"folder": Param(type="string"), "output": Param("", type="string")}
CATEGORIES = ["letter", "invoice"]

with DAG("as_one_batch", schedule=None, params=PARAMS):
    ClassifyBatchOperator(
        task_id="classify",
        documents="{{ params.folder }}",
        categories=CATEGORIES,
        output="{{ params.output }}",
        deferrable=True,
        poll_interval=1,
    )

with DAG("as_mapped_tasks", schedule=None, params=PARAMS, max_active_tasks=300):

    @task
    def documents(params: dict[str, str]) -> list[str]:
        from airflow_provider_classify.documents.folder import list_documents

        return list_documents(params["folder"], "*")

    ClassifyOperator.partial(task_id="classify", categories=CATEGORIES, deferrable=True, poll_interval=1).expand(
        document=documents()
    )
