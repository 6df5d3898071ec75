"""The API's half of a batch, against servers that fail now and then."""

from __future__ import annotations

import json
import logging
import time

import pytest

from airflow_provider_classify.batch.api_run import collect
from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.exceptions import AuthenticationRejected
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from tests.support.scripted_server import Answer, Fault, scripted_server

RESULT = {"success": True, "classification": "letter", "confidence": 0.9, "total_pages": 1, "processed_pages": 1}
COMPLETED = Answer(200, {"job_id": "a", "status": "completed", "progress": "", "result": RESULT})
ITEM = Item("a.pdf", "intent")


def work_of(record, wait):
    return BatchWork(
        items=[ITEM],
        todo=[],
        categories=[Category("letter"), Category("invoice")],
        record=record,
        wait=wait,
        key_of=lambda item: item.fingerprint,
        log=logging.getLogger(),
    )


async def collected(server, folder, monkeypatch, seconds=60.0):
    monkeypatch.setenv("AIRFLOW_CONN_SCRIPTED", json.dumps({"conn_type": "classify", "host": server.url}))
    now = time.time()
    wait = polling.Wait("", since=now - 10, deadline=now + seconds, longest_pause=1)
    with BatchRecord(str(folder), TaskAddress("dag", "t", "run")) as record:
        record.submitted(ITEM, "a")
        async with ClassifyHook("scripted").connect() as jobs, ProgressLog(logging.getLogger(), total=1, done=0) as log:
            await collect(jobs, work_of(record, wait), wait, log)
    return list(record.state.rows([ITEM]))


async def test_a_result_is_asked_for_until_the_server_gives_it(tmp_path, monkeypatch):
    failures = [
        Answer(429, b"", {"Retry-After": "0"}),
        Answer(503, b"", {"Retry-After": "0"}),
        Answer(502, b"<html>"),
        Answer(200, b"<html>"),
        Answer(200, b'{"job_id": '),
        Fault.HANG_UP,
        Fault.BREAK_OFF,
    ]
    with scripted_server(COMPLETED, *failures, COMPLETED) as server:
        [line] = await collected(server, tmp_path, monkeypatch)
    assert (line["job_id"], line["classification"]) == ("a", "letter")
    assert len(server.requests) == len(failures) + 2


async def test_what_does_not_pass_ends_it_at_once(tmp_path, monkeypatch):
    with scripted_server(COMPLETED, Answer(401)) as server, pytest.raises(AuthenticationRejected):
        await collected(server, tmp_path, monkeypatch)
    assert len(server.requests) == 2


async def test_a_result_that_the_server_withholds_until_the_deadline_is_left_to_the_next_try(tmp_path, monkeypatch):
    with scripted_server(COMPLETED, Answer(502, b"<html>")) as server:
        assert await collected(server, tmp_path, monkeypatch, seconds=1.5) == []


@pytest.mark.parametrize(
    "lie", [{"classification": "recipe"}, {"page_results": [RESULT | {"page": 1, "classification": "recipe"}]}]
)
async def test_an_answer_outside_the_categories_fails_its_document_alone(tmp_path, monkeypatch, lie):
    answer = Answer(200, {"job_id": "a", "status": "completed", "progress": "", "result": RESULT | lie})
    with scripted_server(answer, answer) as server:
        [line] = await collected(server, tmp_path, monkeypatch)
    assert (line["document"], line["job_id"], line["error_kind"]) == ("a.pdf", "a", "InvalidReply")
    assert "'recipe'" in line["error"]
