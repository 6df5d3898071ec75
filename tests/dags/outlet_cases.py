"""Classify a document, and tell of the answer by asset events."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, Param, task

from airflow_provider_classify.asset_events import documents_of
from airflow_provider_classify.operators.classify import ClassifyOperator

BY_CATEGORY = {"letter": Asset("case_letters"), "invoice": Asset("case_invoices")}

with DAG("outlet_cases", schedule=None, params={"documents": Param([], type="array")}):

    @task
    def documents(params: dict[str, Any]) -> list[str]:
        return list(params["documents"])

    ClassifyOperator.partial(
        task_id="classify",
        categories=["letter", "invoice", "contract"],
        deferrable=True,
        end_from_trigger=True,
        poll_interval=1,
        outlets=[Asset("case_documents")],
        outlet_by_category=BY_CATEGORY,
    ).expand(document=documents())

with DAG("outlet_cases_letter", schedule=BY_CATEGORY["letter"]):

    @task
    def letters(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        return documents_of(triggering_asset_events)

    letters()
