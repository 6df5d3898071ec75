"""Run operators with two connections: the local engine and, for the rest, the connection ``second``."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

CASCADE = {"categories": ["invoice", "letter"], "escalate_to": "second", "escalate_below": 0.9}

with DAG("cascade_cases", schedule=None, params={"folder": Param(type="string")}) as dag:
    documents = ["{{ params.folder }}/invoice.pdf", "{{ params.folder }}/note.txt"]
    for deferrable in (False, True):
        ClassifyOperator.partial(
            task_id="deferring" if deferrable else "waiting", deferrable=deferrable, **CASCADE
        ).expand(document=documents)
    ClassifyBatchOperator(
        task_id="batch", documents=documents, output="{{ params.folder }}/out.jsonl", deferrable=True, **CASCADE
    )
