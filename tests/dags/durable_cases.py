"""Tasks that time out and are retried while their jobs go on, on the worker and in the triggerer."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_classify.operators.classify import ClassifyOperator

with DAG(
    "durable_cases",
    schedule=None,
    params={"connection": Param(type="string"), "document": Param(type="string")},
) as dag:
    for deferrable in (False, True):
        ClassifyOperator(
            task_id="deferring" if deferrable else "waiting",
            document="{{ params.document }}",
            categories=["letter", "invoice"],
            classify_conn_id="{{ params.connection }}",
            deferrable=deferrable,
            timeout=1.5,
            retries=1,
            retry_delay=timedelta(0),
        )
