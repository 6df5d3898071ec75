"""What the sensor does beyond a run of a DAG, which the operator's tests cover."""

from __future__ import annotations

import json
import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_classify.exceptions import JobNotFound
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.sensors.classify import ClassifySensor
from tests.support.context import context

TIMED_OUT = {"job_id": "j", "status": "gave_up", "error_kind": "JobTimedOut", "message": "Job j was not done."}


def submit(document):
    return ClassifyHook("service").submit(document, ["letter", "invoice"]).job_id


def sensor(job_id, **arguments):
    return ClassifySensor(task_id="t", job_id=job_id, classify_conn_id="service", **arguments)


def test_an_unfinished_job_is_not_done(service, document):
    ClassifyHook("service").fetch(submit(document))
    with service.frozen_engine():
        job_id = submit(document)
        assert sensor(job_id).poke(context()) is False


def test_a_deferring_sensor_looks_first(service, document):
    job_id = submit(document)
    ClassifyHook("service").fetch(job_id)
    assert sensor(job_id, deferrable=True).execute(context())["classification"] == "letter"


def test_it_defers_until_its_timeout(service, document):
    ClassifyHook("service").fetch(submit(document))
    with service.frozen_engine(), pytest.raises(TaskDeferred) as deferred:
        sensor(submit(document), deferrable=True, timeout=77).execute(context())
    _, arguments = deferred.value.trigger.serialize()
    assert arguments["deadline"] == pytest.approx(time.time() + 77, abs=5)


@pytest.mark.usefixtures("service")
def test_an_unknown_job_fails_without_retries():
    with pytest.raises(AirflowFailException, match="00000000") as failure:
        sensor("00000000-0000-4000-8000-000000000000").poke(context())
    assert isinstance(failure.value.__cause__, JobNotFound)


def test_a_server_that_is_down_means_not_yet(monkeypatch, unused_tcp_port, caplog):
    connection = {"conn_type": "classify", "host": f"http://127.0.0.1:{unused_tcp_port}"}
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", json.dumps(connection))
    assert ClassifySensor(task_id="t", job_id="j", classify_conn_id="down").poke(context()) is False


def test_a_wait_that_timed_out_ends_as_any_sensors():
    with pytest.raises(AirflowSensorTimeout, match="Job j"):
        sensor("j").execute_complete(context(), TIMED_OUT)


def test_a_soft_one_is_skipped():
    with pytest.raises(AirflowSkipException, match="Job j"):
        sensor("j", soft_fail=True).execute_complete(context(), TIMED_OUT)
