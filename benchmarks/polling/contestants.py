"""
Create the triggers that are measured, each with a connection to the job server.

A contestant is a function that defines its Airflow connection and returns a function that creates the triggers of jobs.
If a provider requires https, its URLs are changed to the server's http URL. Nothing else in the providers is changed.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import aiohttp
from airflow.triggers.base import BaseTrigger, TriggerEvent
from job_server import job_id

Maker = Callable[[Iterable[int]], Iterator[BaseTrigger]]

_CONN_ID = "polled"
#: The timeout of a trigger in seconds: longer than any measurement.
_PATIENCE = 3600.0


def classify(url: str, interval: float, rate: float | None) -> Maker:
    """Use this package with a trigger for each job."""
    from airflow_provider_classify.triggers.classify import ClassifyTrigger

    _connection("classify", host=url, extra={"request_rate": rate})

    def make(jobs: Iterable[int]) -> Iterator[BaseTrigger]:
        for job in jobs:
            now = time.time()
            yield ClassifyTrigger(
                classify_conn_id=_CONN_ID,
                job_id=job_id(job),
                since=now,
                deadline=now + _PATIENCE,
                poll_interval=interval,
            )

    return make


def classify_batch(url: str, interval: float, rate: float | None) -> Maker:
    """Use this package with one trigger for all jobs."""
    from airflow_provider_classify.triggers.batch import ClassifyBatchTrigger

    _connection("classify", host=url, extra={"request_rate": rate})

    def make(jobs: Iterable[int]) -> Iterator[BaseTrigger]:
        now = time.time()
        yield ClassifyBatchTrigger(
            classify_conn_id=_CONN_ID,
            folder="",
            address={},
            job_ids=[job_id(job) for job in jobs],
            since=now,
            deadline=now + _PATIENCE,
            poll_interval=interval,
        )

    return make


def bare(url: str, interval: float, _: float | None) -> Maker:
    """Use a minimal trigger: a loop of requests and pauses for each job, over one shared session."""
    sessions: list[aiohttp.ClientSession] = []

    class Bare(BaseTrigger):
        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

        def serialize(self) -> tuple[str, dict[str, Any]]:
            return "", {}

        async def run(self) -> AsyncIterator[TriggerEvent]:
            if not sessions:
                sessions.append(aiohttp.ClientSession())
            while True:
                async with sessions[0].get(self.url) as response:
                    status = json.loads(await response.read())["status"]
                if status == "completed":
                    break
                await asyncio.sleep(interval)
            yield TriggerEvent({"status": status})

    return lambda jobs: (Bare(f"{url}/classify/{job_id(job)}") for job in jobs)


def http(url: str, interval: float, _: float | None) -> Maker:
    """Use ``HttpSensorTrigger``."""
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    _connection("http", host=url)
    return lambda jobs: (
        HttpSensorTrigger(endpoint=f"job/{job}", http_conn_id=_CONN_ID, method="GET", poke_interval=interval)
        for job in jobs
    )


def dbt_cloud(url: str, interval: float, _: float | None) -> Maker:
    """Use ``DbtCloudRunJobTrigger``."""
    from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

    def over_http(tenant: str, endpoint: str, *_: Any, **__: Any) -> tuple[str, dict[str, Any]]:
        return f"{url}/api/v2/accounts/{endpoint}", {}

    DbtCloudHook.get_request_url_params = staticmethod(over_http)
    _connection("dbt_cloud", host="127.0.0.1", login="1", password="token")
    return lambda jobs: (
        DbtCloudRunJobTrigger(
            conn_id=_CONN_ID, run_id=job, end_time=time.time() + _PATIENCE, poll_interval=interval, account_id=1
        )
        for job in jobs
    )


def databricks(url: str, interval: float, _: float | None) -> Maker:
    """Use ``DatabricksExecutionTrigger``."""
    from airflow.providers.databricks.hooks.databricks_base import BaseDatabricksHook
    from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger

    BaseDatabricksHook._endpoint_url = lambda self, endpoint: f"{url}/{endpoint}"
    _connection("databricks", host="127.0.0.1", password="token")
    return lambda jobs: (
        DatabricksExecutionTrigger(run_id=job, databricks_conn_id=_CONN_ID, polling_period_seconds=interval)
        for job in jobs
    )


def openai(url: str, interval: float, _: float | None) -> Maker:
    """Use ``OpenAIBatchTrigger``."""
    from airflow.providers.openai.triggers.openai import OpenAIBatchTrigger

    _connection("openai", host=f"{url}/v1", password="key")
    return lambda jobs: (
        OpenAIBatchTrigger(conn_id=_CONN_ID, batch_id=str(job), poll_interval=interval, timeout=_PATIENCE)
        for job in jobs
    )


def airbyte(url: str, interval: float, _: float | None) -> Maker:
    """Use ``AirbyteSyncTrigger``."""
    from airflow.providers.airbyte.triggers.airbyte import AirbyteSyncTrigger

    _connection("airbyte", host=f"{url}/v1")
    return lambda jobs: (
        AirbyteSyncTrigger(job_id=job, conn_id=_CONN_ID, end_time=time.time() + _PATIENCE, poll_interval=interval)
        for job in jobs
    )


CONTESTANTS: dict[str, Callable[[str, float, float | None], Maker]] = {
    "classify": classify,
    "classify-batch": classify_batch,
    "bare": bare,
    "http": http,
    "dbt-cloud": dbt_cloud,
    "databricks": databricks,
    "openai": openai,
    "airbyte": airbyte,
}


def _connection(conn_type: str, **fields: Any) -> None:
    os.environ[f"AIRFLOW_CONN_{_CONN_ID.upper()}"] = json.dumps({"conn_type": conn_type} | fields)
