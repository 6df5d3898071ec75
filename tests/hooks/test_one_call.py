"""The hook's classify and aclassify, which submit, wait and return the result in one call."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    DocumentCorrupt,
    DocumentNotFound,
    InvalidCategories,
    InvalidDocument,
    InvalidReply,
    JobFailed,
    JobTimedOut,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf
from tests.support.scripted_server import Answer, scripted_server

CATEGORIES = ["letter", {"name": "invoice", "description": "A seller asks for payment"}]


@pytest.fixture(params=["service", "local_engine"])
def connection(request, service, local_engine):
    return request.param


@pytest.fixture(params=["classify", "aclassify"])
def classify(request):
    """Return a function that calls the hook, on this thread or on an event loop."""

    def call(connection, *arguments, **options):
        hook = ClassifyHook(connection)
        if request.param == "classify":
            return hook.classify(*arguments, **options)
        return asyncio.run(hook.aclassify(*arguments, **options))

    return call


def test_it_returns_what_the_operator_pushes(connection, classify, document):
    pushed = ClassifyOperator(
        task_id="t", document=document, categories=CATEGORIES, classify_conn_id=connection
    ).execute(context())
    result = classify(connection, document, CATEGORIES)
    assert result["job_id"] != pushed.pop("job_id")
    assert ClassifyHook(connection).get(result.pop("job_id")).status == "completed"
    assert result == pushed
    assert result["classification"] == "letter"


def test_a_damaged_document_raises(connection, classify, tmp_path):
    damaged = write_corrupt_pdf(tmp_path / "damaged.pdf")
    with pytest.raises(DocumentCorrupt, match=r"damaged\.pdf"):
        classify(connection, damaged, CATEGORIES)


def test_a_missing_document_raises(connection, classify, tmp_path):
    with pytest.raises(DocumentNotFound, match=r"missing\.pdf"):
        classify(connection, tmp_path / "missing.pdf", CATEGORIES)


@pytest.mark.parametrize(("document", "error"), [(None, InvalidDocument), ("", InvalidDocument), (7, InvalidDocument)])
def test_what_is_no_document_raises(classify, service, document, error):
    with pytest.raises(error):
        classify("service", document, CATEGORIES)


def test_bad_categories_raise_before_anything_is_sent(classify, service, document):
    before = service.jobs()
    with pytest.raises(InvalidCategories):
        classify("service", document, [])
    assert service.jobs() == before


def test_a_wrong_key_raises(classify, service, document):
    with pytest.raises(AuthenticationRejected, match="'wrong_key'"):
        classify("wrong_key", document, CATEGORIES)


def test_a_job_that_is_not_done_in_time_raises_and_goes_on(classify, service, document):
    classify("service", document, CATEGORIES)
    with service.frozen_engine(), pytest.raises(JobTimedOut):
        classify("service", document, CATEGORIES, timeout=1.5)
    assert ClassifyHook("service").fetch(service.jobs()[-1]).status == "completed"


@pytest.mark.parametrize(
    ("job", "error"),
    [
        ({"status": "failed", "error": "The model is away."}, JobFailed),
        (
            {
                "status": "completed",
                "result": {"success": True, "classification": "contract", "confidence": 0.9, "total_pages": 1},
            },
            InvalidReply,
        ),
    ],
)
def test_an_answer_that_is_none_raises(classify, document, monkeypatch, job, error):
    submitted = Answer(202, {"job_id": "1", "status": "queued"})
    with scripted_server(submitted, Answer(200, {"job_id": "1", **job}), Answer(200, {"job_id": "1", **job})) as server:
        monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": server.url}))
        with pytest.raises(error):
            classify("server", document, CATEGORIES)
        sent = {name.lower() for name in server.requests[0].headers}
        assert "idempotency-key" in sent, "so that a submit whose reply is lost can be sent again"


async def test_many_calls_run_concurrently(service, document):
    hook = ClassifyHook("service")
    results = await asyncio.gather(*(hook.aclassify(document, CATEGORIES) for _ in range(5)))
    assert {result["classification"] for result in results} == {"letter"}
    assert len({result["job_id"] for result in results}) == 5
