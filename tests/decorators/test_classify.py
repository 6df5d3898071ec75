"""The decorators ``@task.classify`` and ``@task.classify_branch``, in a real run of a DAG."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, Asset, ObjectStoragePath, TaskDeferred, task

from airflow_provider_classify.exceptions import InvalidCategories, InvalidDocument, InvalidRoutes
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.dags import branch_cases
from tests.support.context import context
from tests.support.dags import run_dag


@pytest.fixture(scope="module")
def run(service, samples):
    return run_dag(branch_cases.decorator_dag, connection="service", folder=str(samples))


class TestInADag:
    @pytest.mark.parametrize("task_id", ["waiting", "deferring"])
    def test_the_document_that_the_function_returns_is_classified(self, run, samples, task_id):
        result = run.xcom(task_id)
        assert (result["document"], result["classification"]) == (f"{samples}/contract.pdf", "contract")

    def test_a_deferred_task_starts_twice(self, run):
        assert (run.starts["waiting"], run.starts["deferring"]) == (1, 2)

    def test_a_mapped_function_gives_a_result_for_each_call(self, run):
        assert [run.xcom("mapped", index)["classification"] for index in (0, 1)] == ["invoice", "letter"]

    @pytest.mark.parametrize(
        ("task_id", "expected"), [("list_waiting", ["invoice", "letter"]), ("list_deferring", ["contract", "letter"])]
    )
    def test_a_list_gives_a_list_of_results(self, run, samples, task_id, expected):
        results = run.xcom(task_id)
        assert [result["classification"] for result in results] == expected
        assert results[1]["document"] == f"{samples}/letter.pdf"

    def test_an_empty_list_gives_an_empty_list(self, run):
        assert run.xcom("empty_list") == []

    def test_a_function_that_returns_nothing_fails_the_task(self, run):
        assert run.task_states["nothing", -1] == "failed"


def decorated(function, **arguments):
    return task.classify(task_id="t", categories=["invoice", "letter"], **arguments)(function)().operator


class TestOneTask:
    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (None, "The document is None"),
            ("", "The document is an empty text"),
            (7, "The document is a int"),
            ([7], "The document is a int"),
            ([["a.pdf"]], "The document is a list"),
        ],
    )
    def test_what_is_no_document_fails_without_a_retry(self, returned, message):
        with pytest.raises(AirflowFailException, match=f"InvalidDocument: {message}") as raised:
            decorated(lambda: returned).execute(context())
        assert isinstance(raised.value.__cause__, InvalidDocument)

    def test_a_list_cannot_end_after_the_submit(self):
        with pytest.raises(AirflowFailException, match="map the task over the list"):
            decorated(lambda: ["a.pdf", "b.pdf"], wait_for_completion=False).execute(context())

    def test_a_list_is_classified_with_all_arguments_of_the_task(self, monkeypatch):
        seen = []
        monkeypatch.setattr(ClassifyBatchOperator, "classify", lambda batch, context: seen.append(batch) or [])
        arguments = {"on_unreadable": "result", "evidence": False, "escalate_to": "other", "escalate_below": 0.5}
        operator = decorated(lambda: ["a.pdf"], outlet_by_category={"letter": Asset("letters")}, **arguments)
        operator.execute(context())
        [batch] = seen
        assert {name: getattr(batch, name) for name in arguments} == arguments
        assert (batch.documents, batch.task_id, batch.outlets) == (["a.pdf"], "t", operator.outlets)

    def test_a_braced_name_is_no_template(self):
        operator = decorated(lambda: "{{ params.secret }}.pdf", classify_conn_id="no_such")
        with pytest.raises(AirflowFailException):
            operator.execute(context())
        assert operator.document == "{{ params.secret }}.pdf"

    def test_arguments_are_checked_when_the_dag_is_parsed(self):
        with pytest.raises(InvalidCategories, match="Task 'name'"):
            task.classify(task_id="name", categories=[])(lambda: "a.pdf")()
        with pytest.raises(InvalidRoutes, match="Task 'name'"):
            task.classify_branch(task_id="name", routes={}, review="r", minimum_confidence=1)(lambda: "a.pdf")()

    def test_the_function_runs_once_although_the_task_defers(self, service, samples):
        calls = []

        def document():
            calls.append(1)
            return ObjectStoragePath(f"file://{samples}/letter.pdf")

        arguments = {"classify_conn_id": "service", "deferrable": True}
        with service.frozen_engine(), pytest.raises(TaskDeferred) as deferred:
            decorated(document, **arguments).execute(context())
        kwargs = json.loads(json.dumps(deferred.value.kwargs))
        job_id = deferred.value.trigger.job_id
        event = {"event": {"job_id": job_id, "status": "completed"}}

        another_worker = decorated(document, **arguments)
        result = another_worker.resume_execution(deferred.value.method_name, kwargs | event, context())
        assert (result["document"], result["classification"]) == (f"file://{samples}/letter.pdf", "letter")
        assert calls == [1]


def test_airflow_lists_the_decorators():
    command = [sys.executable, "-m", "airflow", "providers", "get", "airflow-provider-classify", "--full", "-o", "json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in ("classify.classify_task", "classify_branch.classify_branch_task"):
        assert f"airflow_provider_classify.decorators.{name}" in listed
