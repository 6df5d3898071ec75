"""Classify documents in every deferrable way: a batch, mapped tasks, and mapped tasks that their triggers end."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

#: The number of documents of each of the two mapped tasks. The batch has all others.
MAPPED = 10

with DAG("fault_cases", schedule=None, max_active_tasks=100, params={"folder": Param(type="string")}):
    common = {
        "categories": ["letter", "invoice"],
        "deferrable": True,
        "poll_interval": 2,
        "retries": 5,
        "retry_delay": timedelta(seconds=1),
    }
    ClassifyBatchOperator(
        task_id="batch",
        documents="{{ params.folder }}/batch",
        output="{{ params.folder }}/batch.jsonl",
        **common,
    )
    for task_id in ("resumed", "ended_by_trigger"):
        documents = [f"{{{{ params.folder }}}}/{task_id}/{number:03}.txt" for number in range(MAPPED)]
        ClassifyOperator.partial(task_id=task_id, end_from_trigger=task_id == "ended_by_trigger", **common).expand(
            document=documents
        )
