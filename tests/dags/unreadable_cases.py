"""Classify a letter, a damaged document and a missing one, with each value of on_unreadable."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.routing import route

with DAG(
    "unreadable_cases",
    schedule=None,
    params={"connection": Param(type="string"), "folder": Param(type="string"), "output": Param(type="string")},
) as dag:

    @task
    def documents(params: dict[str, str]) -> list[str]:
        return [f"{params['folder']}/{name}" for name in ("letter.txt", "damaged.pdf", "missing.pdf")]

    common = {
        "categories": ["letter", "invoice"],
        "classify_conn_id": "{{ params.connection }}",
        "deferrable": True,
        "poll_interval": 1,
    }
    references = documents()

    @task
    def follow() -> None: ...

    branch = ClassifyBranchOperator(
        task_id="branch",
        document="{{ params.folder }}/damaged.pdf",
        routes={"letter": "branch_pay", "invoice": "branch_pay"},
        review="branch_ask",
        minimum_confidence=0.5,
        on_unreadable="result",
        classify_conn_id="{{ params.connection }}",
        deferrable=True,
    )
    branch >> [follow.override(task_id=f"branch_{leg}")() for leg in ("pay", "ask")]
    for choice in ("result", "skip"):
        classify = ClassifyOperator.partial(
            task_id=choice, on_unreadable=choice, end_from_trigger=True, evidence=False, **common
        ).expand(document=references)
        ClassifyBatchOperator(
            task_id=f"batch_{choice}",
            documents=references,
            output=f"{{{{ params.output }}}}/{choice}.jsonl",
            on_unreadable=choice,
            **common,
        )
        if choice == "result":

            @task
            def routes(results: list[dict[str, object]]) -> list[str]:
                to = {"letter": "file"}
                return [
                    route(result, to, otherwise="file", review="person", minimum_confidence=0.5) for result in results
                ]

            routes(classify.output)
