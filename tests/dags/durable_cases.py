"""Run tasks that stop waiting before their jobs end: by a timeout, or because a user interrupts them."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.classify import ClassifyOperator

CATEGORIES = ["letter", "invoice"]

with DAG(
    "durable_cases",
    schedule=None,
    params={"connection": Param(type="string"), "document": Param(type="string")},
) as dag:
    for deferrable in (False, True):
        ClassifyOperator(
            task_id="deferring" if deferrable else "waiting",
            document="{{ params.document }}",
            categories=CATEGORIES,
            classify_conn_id="{{ params.connection }}",
            deferrable=deferrable,
            timeout=1.5,
            retries=1,
            retry_delay=timedelta(0),
        )

with DAG("interrupted_cases", schedule=None, params={"document": Param(type="string")}):
    for deferrable in (False, True):
        ClassifyOperator(
            task_id="deferring" if deferrable else "waiting",
            document="{{ params.document }}",
            categories=CATEGORIES,
            deferrable=deferrable,
            poll_interval=1,
        )
