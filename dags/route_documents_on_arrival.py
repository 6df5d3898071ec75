"""
Route each document as soon as it arrives in a folder. Nothing is scheduled by time.

A trigger watches the folder, and each of its events starts a run. The run classifies the documents of the event and
starts a task for each route. When a contract arrives, the DAG ``contract_arrived`` gets an event, too. A document that
cannot be classified, or has a low confidence, goes to a person.
"""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_classify.asset_events import arrived_documents
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.routing import route
from airflow_provider_classify.triggers.new_documents import NewDocumentsTrigger

log = logging.getLogger(__name__)

FOLDER = os.environ.get("INCOMING_DOCUMENTS", "incoming")  # or a URI: s3://conn_id@bucket/incoming
KINDS = ["invoice", "receipt", "contract", "letter", "resume", "bank_statement"]
ROUTES = {"invoice": "accounting", "receipt": "accounting", "bank_statement": "accounting", "contract": "legal"}
DESTINATIONS = ["accounting", "legal", "files", "review"]
ASSETS = {"contract": Asset("contracts")}


@task
def handle(results: list[dict[str, Any]], ti: Any = None) -> list[str]:
    """Replace this task with the real work of accounting, legal and the others."""
    documents = [result["document"] for result in results if to_task(result) == ti.task_id]
    log.info("%s gets %s", ti.task_id, documents)
    return documents


incoming = Asset("incoming_documents", watchers=[AssetWatcher(name="folder", trigger=NewDocumentsTrigger(FOLDER))])
to_task = partial(route, routes=ROUTES, otherwise="files", review="review", minimum_confidence=0.6)

with DAG("route_documents_on_arrival", schedule=incoming, max_active_runs=4, tags=["classify"], doc_md=__doc__):
    classify = ClassifyBatchOperator(
        task_id="classify", documents=arrived_documents, categories=KINDS, outlet_by_category=ASSETS, max_failed_share=1
    )

    @task.branch
    def choose(results: list[dict[str, Any]]) -> list[str]:
        return [to_task(result) for result in results]

    choose(classify.output) >> [handle.override(task_id=name)(classify.output) for name in DESTINATIONS]
