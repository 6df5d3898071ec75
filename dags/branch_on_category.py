"""Classify each document of a folder, and follow the tasks of its category."""

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.operators.branch import ClassifyBranchOperator

ROUTES = {"invoice": "pay", "contract": ["legal", "archive"], "letter": "archive"}

with DAG("branch_on_category", schedule=None, params={"folder": "incoming"}, tags=["classify", "example"]) as dag:

    @task
    def documents(params):
        return list_documents(params["folder"])

    @task
    def handle(result):
        print(result["document"], result["classification"])

    @task_group
    def each_document(path):
        route = ClassifyBranchOperator(
            task_id="route", document=path, on_unreadable="result", routes=ROUTES, review="ask", minimum_confidence=0.8
        )
        route >> [handle.override(task_id=name)(route.output) for name in ("pay", "legal", "archive", "ask")]

    each_document.expand(path=documents())
