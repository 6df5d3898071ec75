"""Classify each document of a folder in a task of its own, and map a task over the documents of each route."""

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.sort import sort_by_route

with DAG("sort_by_route", schedule=None, params={"folder": "incoming"}, tags=["classify", "example"]) as dag:

    @task
    def documents(params):
        return list_documents(params["folder"])

    @task
    def pay(result):
        print("Pay", result["document"])

    @task
    def archive(result):
        print("Archive", result["document"], "as", result["classification"])

    @task
    def ask_a_person(result):
        print("What is", result["document"], "?", result["decision"]["why"])

    classify = ClassifyOperator.partial(
        task_id="classify", categories=["invoice", "contract", "letter"], on_unreadable="result"
    )
    by_route = sort_by_route(
        classify.expand(document=documents()).output,
        routes={"invoice": "to_pay"},
        otherwise="to_archive",
        review="unclear",
        minimum_confidence=0.8,
    )
    pay.expand(result=by_route["to_pay"])
    archive.expand(result=by_route["to_archive"])
    ask_a_person.expand(result=by_route["unclear"])
