"""Classify a document. No connection is needed: without one, the local engine classifies on the worker."""

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator

with DAG("first_classification", schedule=None, params={"document": Param(type="string")}) as dag:
    classify = ClassifyOperator(
        task_id="classify",
        document="{{ params.document }}",  # a path, an object-storage URI or an http(s) URL
        categories=["invoice", "contract", "letter"],
    )

    @task
    def show(result):
        print(f"{result['document']} is {result['classification']}, with the confidence {result['confidence']}.")

    show(classify.output)
