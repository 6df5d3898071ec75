"""Run the batch operator in every mode. Its tests check the results."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.sharded_batch import classify_batch

with DAG(
    "batch_cases",
    schedule=None,
    params={"connection": Param(type="string"), "folder": Param(type="string"), "output": Param(type="string")},
) as dag:
    common = {
        "documents": "{{ params.folder }}",
        "categories": ["invoice", "letter", "contract", "resume"],
        "classify_conn_id": "{{ params.connection }}",
        "max_failed": 1,
        "poll_interval": 1,
    }
    waiting = ClassifyBatchOperator(
        task_id="waiting", output="{{ params.output }}/waiting.jsonl", deferrable=False, **common
    )
    ClassifyBatchOperator(task_id="deferring", output="{{ params.output }}/deferring.jsonl", deferrable=True, **common)
    ClassifyBatchOperator(task_id="without_output", deferrable=True, pattern="*.pdf", **common)
    classify_batch(task_id="sharded", output="{{ params.output }}/sharded.jsonl", shards=2, deferrable=True, **common)
    again = ClassifyBatchOperator(
        task_id="again",
        output="{{ params.output }}/again.jsonl",
        previous="{{ params.output }}/waiting.jsonl",
        **common,
    )
    waiting >> again
    ClassifyBatchOperator(task_id="strict", output="{{ params.output }}/strict.jsonl", **{**common, "max_failed": 0})
