"""
Classify every document of a folder and choose a task for each by its category.

Invoices, receipts and bank statements go to accounting, contracts to legal, résumés to hiring, and all other
categories to the files. A document with a confidence below the threshold, or one that cannot be read, goes to a person.
If the connection ``classify_default`` is not defined, the local engine classifies.

The params of the DAG set the folder (a path, or a URI such as ``s3://conn_id@bucket/incoming``), the categories and
the threshold.
"""

import os

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.routing import sort_by_route

ROUTES = dict.fromkeys(["invoice", "receipt", "bank_statement"], "accounting") | {
    "contract": "legal",
    "resume": "hiring",
}
PARAMS = {
    "folder": Param(os.environ.get("INCOMING_DOCUMENTS", "incoming"), type="string", title="Folder or URI"),
    "categories": Param([*ROUTES, "letter"], type="array", title="Categories"),
    "minimum_confidence": Param(0.6, type="number", minimum=0, maximum=1, title="Confidence without a review"),
}

with DAG(
    "classify_incoming_documents", schedule=None, tags=["classify", "example"], doc_md=__doc__, params=PARAMS
) as dag:

    @task
    def documents(params):
        return list_documents(params["folder"])

    @task(trigger_rule="none_failed")
    def sort(results, params):
        rules = {"otherwise": "files", "review": "review", "minimum_confidence": params["minimum_confidence"]}
        return sort_by_route(results or [], routes=ROUTES, **rules)

    @task.branch
    def choose_routes(by_route):
        return [name for name, results in by_route.items() if results]

    @task
    def handle(name, by_route):
        print(name, "gets", [result["document"] for result in by_route[name]])

    @task(trigger_rule="none_failed_min_one_success")
    def summary(by_route):
        every = (row for rows in by_route.values() for row in rows)
        rows = ({"document": row["document"], "error": row.get("error")} | row["decision"] for row in every)
        return sorted(rows, key=lambda row: row["document"])

    classify = ClassifyOperator.partial(
        task_id="classify", categories="{{ params.categories | tojson }}", deferrable=True, on_unreadable="result"
    ).expand(document=documents())
    by_route = sort(classify.output)
    routes = ("accounting", "legal", "hiring", "files", "review")
    choose_routes(by_route) >> [handle.override(task_id=name)(name, by_route) for name in routes] >> summary(by_route)
