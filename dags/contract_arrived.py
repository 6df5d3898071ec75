"""Run when a contract has arrived, whatever DAG classified it (see ``route_documents_on_arrival``)."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_provider_classify.asset_events import documents_of

log = logging.getLogger(__name__)

with DAG("contract_arrived", schedule=Asset("contracts"), tags=["classify"], doc_md=__doc__) as dag:

    @task
    def read(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        contracts = documents_of(triggering_asset_events)
        for contract in contracts:
            log.info("%(document)s is a contract (confidence %(confidence).2f)", contract)
        return contracts

    read()
