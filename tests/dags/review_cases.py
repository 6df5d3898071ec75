"""Review the documents of a folder, and route each by the answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.review import ClassificationReviewOperator
from airflow_provider_classify.routing import route

NAMES = ("invoice", "contract", "letter")

with DAG(
    "review_cases",
    schedule=None,
    params={"folder": Param(type="string"), "learned": Param(type="string")},
    render_template_as_native_obj=True,
) as dag:

    @task
    def documents(params: dict[str, Any]) -> list[str]:
        return sorted(str(path) for path in Path(params["folder"]).iterdir())

    @task
    def categories(params: dict[str, Any]) -> list[dict[str, str]]:
        return [{"name": name, "examples": f"{params['learned']}/{name}"} for name in NAMES]

    classify = ClassifyOperator.partial(
        task_id="classify", categories=categories(), classify_conn_id="classify_local"
    ).expand(document=documents())
    review = ClassificationReviewOperator.partial(
        task_id="review", minimum_confidence=0.995, learn_into="{{ params.learned }}"
    ).expand(result=classify.output)

    @task
    def where(result: dict[str, Any]) -> str:
        return route(
            result, {"letter": "post", "invoice": "pay"}, otherwise="file", review="person", minimum_confidence=0.9
        )

    where.expand(result=review.output)

for _on_timeout in ("prediction", "fail"):
    with DAG(f"review_timeout_{_on_timeout}", schedule=None, params={"document": Param(type="string")}) as _dag:
        _classify = ClassifyOperator(
            task_id="classify",
            document="{{ params.document }}",
            categories=list(NAMES),
            classify_conn_id="classify_local",
        )
        ClassificationReviewOperator(
            task_id="review",
            result=_classify.output,
            on_timeout=_on_timeout,
            response_timeout=timedelta(seconds=5),
            retries=2,
        )
    globals()[_dag.dag_id] = _dag
