"""Classify in each way that lineage, metrics and traces tell of. Its tests read what a real Airflow sent."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.sharded_batch import classify_batch

CATEGORIES = ["invoice", "letter"]
FOLDER, OUTPUT = "{{ params.folder }}", "{{ params.output }}"

with DAG(
    "lineage_cases",
    schedule=None,
    params={"folder": Param("", type="string"), "output": Param("", type="string")},
):
    ClassifyOperator(
        task_id="deferred", document=f"{FOLDER}/letter.pdf", categories=CATEGORIES, deferrable=True, poll_interval=1
    )
    ClassifyBatchOperator(
        task_id="batch",
        documents=FOLDER,
        categories=CATEGORIES,
        output=f"{OUTPUT}/batch.jsonl",
        deferrable=True,
        poll_interval=1,
    )
    classify_batch(
        task_id="sharded",
        documents=FOLDER,
        categories=CATEGORIES,
        output=f"{OUTPUT}/sharded.csv",
        shards=2,
        poll_interval=1,
    )
    branch = ClassifyBranchOperator(
        task_id="branch",
        document=f"{FOLDER}/invoice.pdf",
        routes={"invoice": "pay", "letter": "read"},
        review="ask",
        minimum_confidence=0.1,
        poll_interval=1,
    )
    branch >> [EmptyOperator(task_id=name) for name in ("pay", "read", "ask")]
