"""
Classify every document of a folder and choose a task for each by its category.

Invoices, receipts and bank statements go to accounting, contracts to legal, résumés to hiring, and all other
categories to the files. A document with a confidence below the threshold, or without a result, goes to a person. If
the connection ``classify_default`` is not defined, the local engine classifies.

The params of the DAG set the folder (a path, or a URI such as ``s3://conn_id@bucket/incoming``), the categories and
the threshold.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.routing import route

log = logging.getLogger(__name__)

CATEGORIES = ["invoice", "receipt", "contract", "letter", "resume", "bank_statement"]
ROUTES = {
    "invoice": "accounting",
    "receipt": "accounting",
    "bank_statement": "accounting",
    "contract": "legal",
    "resume": "hiring",
}

with DAG(
    dag_id="classify_incoming_documents",
    schedule=None,
    catchup=False,
    tags=["classify", "example"],
    doc_md=__doc__,
    params={
        "folder": Param(os.environ.get("INCOMING_DOCUMENTS", "incoming"), type="string", title="Folder or URI"),
        "categories": Param(CATEGORIES, type="array", title="Categories"),
        "minimum_confidence": Param(
            0.6, type="number", minimum=0, maximum=1, title="Minimum confidence without a review"
        ),
    },
) as dag:

    @task
    def list_documents(params: dict[str, Any]) -> list[str]:
        """Return the references of the folder's documents. XCom gets only the references."""
        folder = ObjectStoragePath(params["folder"])
        return sorted(str(path) for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))

    @task(multiple_outputs=True, trigger_rule="all_done")
    def sort_by_route(documents: list[str], results: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
        """Return a list of rows for each route. A document whose classification failed has no result."""
        result_of = {result["document"]: result for result in results or ()}
        rows: dict[str, Any] = {name: [] for name in ("accounting", "legal", "hiring", "files", "review")}
        for document in documents:
            result = result_of.get(document)
            destination = route(
                result, ROUTES, otherwise="files", review="review", minimum_confidence=params["minimum_confidence"]
            )
            rows[destination].append(
                {
                    "document": document,
                    "category": result["classification"] if result else None,
                    "confidence": result["confidence"] if result else None,
                    "route": destination,
                }
            )
        return rows

    @task.branch
    def choose_routes(rows: dict[str, list[Any]]) -> list[str]:
        """Return the ids of the tasks that have documents."""
        return [destination for destination, documents in rows.items() if documents]

    @task
    def accounting(rows: list[dict[str, Any]]) -> None:
        log.info("Book %d documents: %s", len(rows), rows)

    @task
    def legal(rows: list[dict[str, Any]]) -> None:
        log.info("Have %d contracts read: %s", len(rows), rows)

    @task
    def hiring(rows: list[dict[str, Any]]) -> None:
        log.info("Screen %d applicants: %s", len(rows), rows)

    @task
    def files(rows: list[dict[str, Any]]) -> None:
        log.info("File %d documents under their category: %s", len(rows), rows)

    @task
    def review(rows: list[dict[str, Any]]) -> None:
        log.info("Show %d documents to a person: %s", len(rows), rows)

    @task(trigger_rule="none_failed_min_one_success")
    def summary(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return a row for every document, sorted by its reference."""
        every = sorted((row for part in rows.values() for row in part), key=lambda row: str(row["document"]))
        for row in every:
            log.info("%(document)s: %(category)s (%(confidence)s) to %(route)s", row)
        return every

    documents = list_documents()
    classify = ClassifyOperator.partial(
        task_id="classify", categories="{{ params.categories | tojson }}", deferrable=True
    ).expand(document=documents)
    by_route = sort_by_route(documents, classify.output)
    destinations = [
        accounting(by_route["accounting"]),
        legal(by_route["legal"]),
        hiring(by_route["hiring"]),
        files(by_route["files"]),
        review(by_route["review"]),
    ]
    choose_routes(by_route) >> destinations >> summary(by_route)
