"""Classify a document in a TaskFlow function. If the document cannot be classified, the function raises an error."""

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.hooks.classify import ClassifyHook

with DAG("classify_in_taskflow", schedule=None, params={"document": Param(type="string")}) as dag:

    @task
    def classify(params):
        return ClassifyHook().classify(params["document"], ["invoice", "contract", "letter"], timeout=600)

    classify()
