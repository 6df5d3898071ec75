"""
Classify the documents of a folder, ask a person about the doubtful ones, and learn from the corrections.

The person answers on Airflow's page "Required Actions" (Airflow 3.1 or later, with version 1.12.2 or later of its
standard provider). Corrected documents are copied into the folder that the environment variable LEARNED_DOCUMENTS
names, by default ``learned`` in the working directory of the task. After the answer "none of these", nothing is copied.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.review import ClassificationReviewOperator

LEARNED = os.environ.get("LEARNED_DOCUMENTS", "learned")
NAMES = ["invoice", "contract", "letter"]
CATEGORIES = [{"name": name, "examples": f"{LEARNED}/{name}"} for name in NAMES]

with DAG("review_doubtful_documents", schedule=None, params={"folder": "incoming"}) as dag:

    @task
    def documents(params: dict[str, str]) -> list[str]:
        return list_documents(params["folder"])

    classify = ClassifyOperator.partial(task_id="classify", categories=CATEGORIES, on_unreadable="result")
    results = classify.expand(document=documents())

    ClassificationReviewOperator.partial(
        task_id="review",
        categories=[*NAMES, "none of these"],
        minimum_confidence=0.8,
        learn_into=LEARNED,
        response_timeout=timedelta(days=2),
        on_timeout="prediction",
    ).expand(result=results.output)
