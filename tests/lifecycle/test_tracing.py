"""The spans of a classification, recorded by OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.service import KEY
from tests.support.table_api import connect_to, table_api

CATEGORIES = ["letter", "invoice"]


@pytest.fixture(scope="module")
def exporter():
    # A process can set its provider only once, so that the provider may be that of another module.
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    exporter = InMemorySpanExporter()
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


@pytest.fixture
def spans(exporter):
    """Return a function that returns the ended spans by name."""
    exporter.clear()

    def by_name():
        found = {}
        for span in exporter.get_finished_spans():
            found.setdefault(span.name, []).append(span)
        return found

    return by_name


def test_a_task_with_the_local_engine(spans, document):
    result = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES).execute(context())
    [submit], [wait] = spans()["classify.submit"], spans()["classify.wait"]
    assert dict(submit.attributes) == {
        "classify.backend": "local",
        "classify.document": document,
        "classify.job_id": result["job_id"],
    }
    assert dict(wait.attributes) == {"classify.backend": "local", "classify.job_id": result["job_id"]}
    assert submit.status.status_code is not StatusCode.ERROR


def test_a_span_is_a_child_of_the_span_of_the_task(spans, document):
    with trace.get_tracer("airflow").start_as_current_span("task") as task:
        ClassifyHook().classify(document, CATEGORIES)
    assert {span.parent.span_id for span in spans()["classify.submit"]} == {task.get_span_context().span_id}


def test_a_failed_submit_is_marked_and_names_no_secret(spans, service, document):
    operator = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="wrong_key")
    with pytest.raises(AirflowFailException):
        operator.execute(context())
    [submit] = spans()["classify.submit"]
    assert submit.status.status_code is StatusCode.ERROR
    assert KEY not in submit.to_json()
    assert "classify.wait" not in spans()


@pytest.fixture
def api(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    with table_api(tmp_path / "api", {b"a": ("invoice", 0.9)}) as api:
        connect_to(monkeypatch, "api", api)
        yield api
        api.classifier.gate.set()


def test_a_trigger_records_the_wait(spans, api, tmp_path):
    operator = ClassifyOperator(
        task_id="t", document=str(tmp_path / "a.txt"), categories=CATEGORIES, classify_conn_id="api", deferrable=True
    )
    api.classifier.gate.clear()
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())
    assert "classify.wait" not in spans(), "a deferral is no failed wait"
    api.classifier.gate.set()
    trigger = deferred.value.trigger

    async def fire():
        return [event async for event in trigger.run()]

    asyncio.run(fire())
    [wait] = spans()["classify.wait"]
    assert dict(wait.attributes) == {"classify.backend": "api", "classify.job_id": trigger.job_id}


async def test_concurrent_calls_of_the_hook_have_their_own_spans(spans, api, tmp_path):
    hook = ClassifyHook("api")
    await asyncio.gather(*[hook.aclassify(str(tmp_path / "a.txt"), CATEGORIES) for _ in range(3)])
    jobs = {span.attributes["classify.job_id"] for span in spans()["classify.submit"]}
    assert len(jobs) == 3
    assert {span.attributes["classify.job_id"] for span in spans()["classify.wait"]} == jobs


def test_a_batch_is_one_span(spans, document, tmp_path):
    ClassifyBatchOperator(
        task_id="t", documents=[document], categories=CATEGORIES, output=str(tmp_path / "out.jsonl")
    ).execute(context())
    [batch] = spans()["classify.batch"]
    assert dict(batch.attributes) == {"classify.backend": "local", "classify.documents": 1, "classify.submitted": 1}
