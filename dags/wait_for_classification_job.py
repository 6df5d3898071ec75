"""
Submit a document in one task and wait for its job in another.

The first task ends after the submit, with the job id in XCom. A deferrable sensor waits for the job without a worker.
It can be retried or cleared without a second submit.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor

log = logging.getLogger(__name__)

with DAG(
    dag_id="wait_for_classification_job",
    schedule=None,
    catchup=False,
    tags=["classify", "example"],
    doc_md=__doc__,
    params={
        "document": Param(
            os.environ.get("INCOMING_DOCUMENTS", "incoming") + "/invoice.pdf", type="string", title="Path, URI or URL"
        ),
    },
) as dag:
    submit = ClassifyOperator(
        task_id="submit",
        document="{{ params.document }}",
        categories=[
            {"name": "invoice", "description": "A seller asks for payment"},
            {"name": "receipt", "description": "A purchase was paid"},
            "contract",
        ],
        wait_for_completion=False,
    )
    wait = ClassifySensor(task_id="wait", job_id=submit.output, deferrable=True, timeout=3600)

    @task
    def use(result: dict[str, Any]) -> str:
        log.info("%(classification)s, confidence %(confidence).2f, %(total_pages)d pages", result)
        return str(result["classification"])

    use(wait.output)
