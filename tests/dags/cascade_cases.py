"""Run operators with two connections: the local engine and, for the rest, another connection."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

CASCADE = {"categories": ["invoice", "letter"], "escalate_to": "{{ params.second }}", "escalate_below": 0.9}
MODES = {
    "waiting": {"deferrable": False},
    "deferring": {"deferrable": True},
    "from_trigger": {"deferrable": True, "end_from_trigger": True},
}

with DAG(
    "cascade_cases",
    schedule=None,
    params={"folder": Param(type="string"), "second": Param("second", type="string")},
) as dag:
    documents = ["{{ params.folder }}/invoice.pdf", "{{ params.folder }}/note.txt"]
    for task_id, mode in MODES.items():
        ClassifyOperator.partial(task_id=task_id, **mode, **CASCADE).expand(document=documents)
    ClassifyBatchOperator(
        task_id="batch", documents=documents, output="{{ params.folder }}/out.jsonl", deferrable=True, **CASCADE
    )
