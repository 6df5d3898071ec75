"""Airflow's metrics of a classification, received on a real UDP socket."""

from __future__ import annotations

import asyncio
import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.exceptions import DocumentNeedsOcr, JobFailed
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf
from tests.support.metrics import sent_metrics
from tests.support.table_api import connect_to, table_api

CATEGORIES = ["letter", "purchase order"]
LETTER = "Dear Mrs. Brown,\n\nthank you for your letter of 3 May.\n\nYours sincerely\nJohn Smith\n"


@pytest.fixture
def sent():
    with sent_metrics() as server:
        yield server


def operator(document, **arguments):
    return ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, **arguments)


def test_a_task_with_the_local_engine(sent, document):
    operator(document).execute(context())
    assert sent.counts() == {
        "classify.submitted,backend=local": 1,
        "classify.looks,backend=local": 1,
        "classify.completed,backend=local,category=letter": 1,
    }
    [milliseconds] = sent.milliseconds("classify.duration,backend=local")
    assert milliseconds > 0


def test_a_task_with_an_api(sent, service, document):
    operator(document, classify_conn_id="service", poll_interval=1).execute(context())
    counts = sent.counts()
    assert counts.pop("classify.looks,backend=api") >= 1
    assert counts == {
        "classify.submitted,backend=api": 1,
        "classify.completed,backend=api,category=letter": 1,
    }
    assert len(sent.milliseconds("classify.duration,backend=api")) == 1


def test_a_document_that_cannot_be_read(sent, tmp_path):
    write_corrupt_pdf(tmp_path / "damaged.pdf")
    with pytest.raises(AirflowFailException):
        operator(tmp_path / "damaged.pdf").execute(context())
    assert sent.counts()["classify.failed,backend=local,error_kind=DocumentCorrupt"] == 1
    operator(tmp_path / "damaged.pdf", on_unreadable="result").execute(context())
    assert sent.counts()["classify.failed,backend=local,error_kind=DocumentCorrupt"] == 2


def test_a_connection_that_cannot_be_used(sent, document):
    with pytest.raises(AirflowFailException):
        operator(document, classify_conn_id="missing").execute(context())
    assert sent.counts() == {"classify.failed,backend=unknown,error_kind=ConnectionNotUsable": 1}


def test_a_task_that_only_submits_and_a_sensor_count_the_document_once(sent, service, document):
    job_id = operator(document, classify_conn_id="service", wait_for_completion=False).execute(context())
    assert "classify.completed,backend=api,category=letter" not in sent.counts()
    ClassifyHook("service").fetch(job_id)
    ClassifySensor(task_id="s", job_id=job_id, classify_conn_id="service").execute(context())
    counts = sent.counts()
    assert counts["classify.submitted,backend=api"] == 1
    assert counts["classify.completed,backend=api,category=letter"] == 1


def test_a_document_that_neither_connection_can_read_is_counted_for_the_second(sent, tmp_path, monkeypatch):
    unknown = bytes(range(256)) * 20
    (tmp_path / "a.bin").write_bytes(unknown)
    monkeypatch.setenv("AIRFLOW_CONN_SMALL", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    second = {unknown: JobFailed("It is an image.")}
    with table_api(tmp_path / "api", second) as api:
        connect_to(monkeypatch, "paid", api)
        with pytest.raises(AirflowFailException):
            operator(
                tmp_path / "a.bin",
                classify_conn_id="small",
                escalate_to="paid",
                escalate_below=0.9,
                poll_interval=1,
            ).execute(context())
    assert sent.counts()["classify.failed,backend=api,error_kind=JobFailed"] == 1


@pytest.mark.parametrize("call", ["classify", "aclassify"])
async def test_a_call_of_the_hook(sent, service, document, call):
    hook = ClassifyHook("service")
    if call == "classify":
        await asyncio.to_thread(hook.classify, document, CATEGORIES)
    else:
        await hook.aclassify(document, CATEGORIES)
    counts = sent.counts()
    assert counts["classify.submitted,backend=api"] == 1
    assert counts["classify.completed,backend=api,category=letter"] == 1
    assert counts["classify.looks,backend=api"] >= 1


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.txt").write_text(f"{LETTER}{number}")
    write_corrupt_pdf(folder / "damaged.pdf")
    return folder


def test_a_batch_counts_each_document_once(sent, folder):
    batch = ClassifyBatchOperator(
        task_id="t", documents=str(folder), categories=CATEGORIES, output=f"{folder}.jsonl", max_failed=1
    )
    batch.execute(context())
    first = {
        "classify.submitted,backend=local": 3,
        "classify.completed,backend=local,category=letter": 2,
        "classify.failed,backend=local,error_kind=DocumentCorrupt": 1,
    }
    assert sent.counts() == first
    again = ClassifyBatchOperator(
        task_id="t",
        documents=str(folder),
        categories=CATEGORIES,
        output=f"{folder}-again.jsonl",
        previous=f"{folder}.jsonl",
        max_failed=1,
    )
    again.execute(context())
    assert sent.counts() == {
        **first,
        "classify.submitted,backend=local": 4,
        "classify.failed,backend=local,error_kind=DocumentCorrupt": 2,
    }, "a reused result is not counted again"


def test_a_deferred_batch_counts_the_waits_of_the_triggerer(sent, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    with table_api(tmp_path / "api", {b"a": ("purchase order", 0.9)}) as api:
        connect_to(monkeypatch, "api", api)
        batch = ClassifyBatchOperator(
            task_id="t",
            documents=[str(tmp_path / "a.txt")],
            categories=CATEGORIES,
            output=f"{tmp_path}/out.jsonl",
            classify_conn_id="api",
            deferrable=True,
            poll_interval=1,
        )
        with pytest.raises(TaskDeferred) as deferred:
            batch.execute(context())
        event = fire(deferred.value.trigger)
        batch.execute_complete(context(), event)
    counts = sent.counts()
    assert counts.pop("classify.looks,backend=api") >= 1
    assert counts == {
        "classify.submitted,backend=api": 1,
        "classify.completed,backend=api,category=purchase_order": 1,
    }
    assert len(sent.milliseconds("classify.duration,backend=api")) == 1


def fire(trigger):
    async def first():
        async for event in trigger.run():
            return event.payload
        raise AssertionError("The trigger ended without an event.")

    return asyncio.run(first())


def test_a_cascade_names_the_backend_that_answered(sent, tmp_path, monkeypatch):
    for name in ("sure", "unsure", "lost"):
        (tmp_path / f"{name}.txt").write_text(name)
    answers = {b"sure": ("letter", 0.99), b"unsure": ("letter", 0.5), b"lost": ("letter", 0.4)}
    second = {b"unsure": ("purchase order", 0.9), b"lost": DocumentNeedsOcr("It is an image.")}
    with table_api(tmp_path / "1", answers) as one, table_api(tmp_path / "2", second) as two:
        connect_to(monkeypatch, "first", one)
        connect_to(monkeypatch, "second", two)
        ClassifyBatchOperator(
            task_id="t",
            documents=[str(tmp_path / f"{name}.txt") for name in ("sure", "unsure", "lost")],
            categories=CATEGORIES,
            output=f"{tmp_path}/out.jsonl",
            classify_conn_id="first",
            escalate_to="second",
            escalate_below=0.9,
            poll_interval=1,
        ).execute(context())
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {row["answered_by"] for row in rows} == {"first", "second"}
    counts = sent.counts()
    assert counts["classify.submitted,backend=api"] == 5
    assert counts["classify.completed,backend=api,category=letter"] == 2
    assert counts["classify.completed,backend=api,category=purchase_order"] == 1
