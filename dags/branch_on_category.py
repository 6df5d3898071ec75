"""Classify each document of a folder, and follow the tasks of its category."""

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task, task_group

from airflow_provider_classify.operators.branch import ClassifyBranchOperator

with DAG("branch_on_category", schedule=None, params={"folder": "incoming"}, tags=["classify", "example"]) as dag:

    @task
    def list_documents(params):
        return sorted(str(path) for path in ObjectStoragePath(params["folder"]).iterdir())

    @task
    def handle(result):
        print(result["document"], result["classification"])

    @task_group
    def each_document(document):
        classify = ClassifyBranchOperator(
            task_id="classify",
            document=document,
            on_unreadable="result",
            categories=["invoice", "contract", "letter"],
            routes={"invoice": "pay", "contract": ["legal", "archive"]},
            otherwise="archive",
            review="ask",
            minimum_confidence=0.8,
        )
        classify >> [handle.override(task_id=name)(classify.output) for name in ("pay", "legal", "archive", "ask")]

    each_document.expand(document=list_documents())
