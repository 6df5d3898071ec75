"""The trigger of a batch on a real event loop, against the real service."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.triggers.batch import ClassifyBatchTrigger
from tests.support.context import with_task
from tests.support.scripted_server import Answer, scripted_server
from tests.support.waiting import wait_until


@pytest.fixture
def documents(tmp_path):
    paths = [tmp_path / f"{number}.txt" for number in range(20)]
    for path in paths:
        path.write_text(f"Dear Mrs. Brown,\n\nthank you for your letter {path.name}.\n\nYours sincerely\nJohn Smith\n")
    return [str(path) for path in paths]


def submit(documents):
    return [ClassifyHook("service").submit(document, ["letter"]).job_id for document in documents]


TASK = TaskAddress("dag", "t", "run")


def trigger(job_ids, folder="", connection="service", seconds=60.0):
    now = time.time()
    return ClassifyBatchTrigger(
        classify_conn_id=connection,
        folder=str(folder),
        address=TASK.to_json(),
        job_ids=job_ids,
        since=now,
        deadline=now + seconds,
        poll_interval=5,
    )


def on_record(folder, documents, job_ids):
    with BatchRecord(str(folder), TASK) as record:
        for document, job_id in zip(documents, job_ids, strict=True):
            record.submitted(Item(document, document), job_id)
    return folder


def statuses(job_ids):
    jobs = [ClassifyHook("service").get(job_id) for job_id in job_ids]
    return {(job.status.value, job.error_kind) for job in jobs}


def test_it_can_be_made_again_from_what_airflow_stores():
    path, arguments = trigger(["j"]).serialize()
    again = import_string(path)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


async def test_one_event_when_all_jobs_of_the_record_have_ended(service, documents, tmp_path, caplog, capfd):
    folder = on_record(tmp_path / "record", documents, submit(documents))
    events = [event.payload async for event in trigger(None, folder).run()]
    assert events == [{"status": "ended", "jobs": 20, "ended": 20}]
    assert "20 of 20 documents done" in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("has_record", [True, False])
async def test_a_kill_cancels_all_jobs_though_it_is_interrupted(service, documents, tmp_path, has_record):
    ClassifyHook("service").fetch(submit(documents[:1])[0])
    with service.frozen_engine():
        job_ids = submit(documents)
        folder = on_record(tmp_path / "record", documents, job_ids)
        killed = with_task(trigger(None if has_record else job_ids, folder), "failed")
        killing = asyncio.create_task(killed.on_kill())
        await asyncio.sleep(0)
        killing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await killing
        await asyncio.to_thread(wait_until, lambda: statuses(job_ids) == {("failed", "JobCancelled")})


async def test_a_kill_leaves_the_jobs_where_the_task_goes_on(service, documents):
    ClassifyHook("service").fetch(submit(documents[:1])[0])
    with service.frozen_engine():
        job_ids = submit(documents)
        await with_task(trigger(job_ids), "running").on_kill()
        assert not {kind for _, kind in statuses(job_ids) if kind}
    for job_id in job_ids:
        ClassifyHook("service").fetch(job_id)


async def test_an_api_without_a_cancel_is_asked_for_it_once(monkeypatch):
    with scripted_server(Answer(405)) as server:
        monkeypatch.setenv("AIRFLOW_CONN_HOSTED", json.dumps({"conn_type": "classify", "host": server.url}))
        await with_task(trigger(["a", "b", "c"], connection="hosted"), "failed").on_kill()
    [request] = server.requests
    assert (request.method, request.path) == ("DELETE", "/classify/a?unless_ended=true")


async def test_a_cancel_that_fails_does_not_save_the_other_jobs(monkeypatch):
    with scripted_server(Answer(502), Answer(500), Answer(429), Answer(404, {"detail": "Job not found"})) as server:
        monkeypatch.setenv("AIRFLOW_CONN_FAILING", json.dumps({"conn_type": "classify", "host": server.url}))
        await with_task(trigger(["a", "b", "c", "d"], connection="failing"), "failed").on_kill()
    assert sorted(request.path for request in server.requests) == [
        f"/classify/{job_id}?unless_ended=true" for job_id in "abcd"
    ]
