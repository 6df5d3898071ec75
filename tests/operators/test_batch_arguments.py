"""The arguments of the batch operator, checked when the DAG is parsed and when the task runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_classify.exceptions import (
    ExtraNotInstalled,
    InvalidCategories,
    InvalidDocument,
    InvalidOutput,
)
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.batches import batch
from tests.support.context import context


def test_too_many_for_xcom(service):
    documents = [f"{number}.pdf" for number in range(1001)]
    operator = ClassifyBatchOperator(
        task_id="t", documents=documents, categories=["a"], classify_conn_id="service", deferrable=False
    )
    with pytest.raises(AirflowFailException, match="too many for XCom") as failure:
        operator.execute(context())
    assert isinstance(failure.value.__cause__, InvalidOutput)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"output": "out.xlsx"}, InvalidOutput, "xlsx"),
        ({"output": "{{ ds }}.xlsx"}, InvalidOutput, "xlsx"),
        ({"output": "{{ params.folder }}/out"}, InvalidOutput, "out"),
        ({"output": "https://example.com/out.jsonl"}, InvalidOutput, "http"),
        ({"output": ""}, InvalidOutput, "output"),
        ({"output": 3}, InvalidOutput, "output"),
        ({"output": ["out.jsonl"]}, InvalidOutput, "output"),
        ({"previous": "yesterday.txt"}, InvalidOutput, "yesterday"),
        ({"previous": {"output": "x"}}, InvalidOutput, "previous"),
        ({"previous": "yesterday.csv", "output": None}, InvalidOutput, "yesterday"),
        ({"previous": "yesterday.csv", "output": "out.jsonl"}, InvalidOutput, "yesterday"),
        ({"on_empty": "ignore"}, ValueError, "on_empty"),
        ({"on_empty": None}, ValueError, "on_empty"),
        ({"documents": ["a.pdf"], "pattern": "*.pdf"}, ValueError, "pattern"),
        ({"pattern": 3}, ValueError, "pattern"),
        ({"documents": None}, InvalidDocument, "None"),
        ({"documents": ["a.pdf", None]}, InvalidDocument, "None"),
        ({"documents": 3}, InvalidDocument, "type int; give a folder, or a list of documents"),
        ({"documents": " "}, InvalidDocument, "an empty text; give a folder, or a list of documents"),
        ({"documents": {"a.pdf": 1}}, InvalidDocument, "type dict; give a folder, or a list of documents"),
        ({"max_failed": "3"}, ValueError, "max_failed"),
    ],
)
def test_are_checked_when_the_dag_is_parsed(wrong, error, says):
    arguments = {"documents": "in", "categories": ["a"], **wrong}
    with pytest.raises(error, match=says) as raised:
        ClassifyBatchOperator(task_id="the_task", **arguments)
    assert "'the_task'" in str(raised.value)
    with pytest.raises(error, match=says) as raised:
        ClassifyBatchOperator.partial(task_id="the_task", **wrong)
    assert "'the_task'" in str(raised.value)


@pytest.mark.parametrize(
    "names",
    [
        {"output": "{{ params.output }}"},
        {"output": "{{ ds }}.csv", "previous": "{{ macros.ds_add(ds, -1) }}.csv"},
        {"output": "{{ params.output }}", "previous": "yesterday.csv"},
        {"output": "out.jsonl", "previous": "{{ params.previous }}"},
        {"output": Path("out.parquet")},
    ],
)
def test_names_that_may_be_right(names):
    ClassifyBatchOperator(task_id="t", documents="in", categories=["a"], **names)


def test_parquet_without_pyarrow(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for names in ({"output": "{{ ds }}.parquet"}, {"previous": "yesterday.parquet"}):
        with pytest.raises(ExtraNotInstalled, match=r"'t'.*\[parquet\]"):
            ClassifyBatchOperator(task_id="t", documents="in", categories=["a"], **names)


@pytest.mark.parametrize("output", ["out.xlsx", ""])
def test_a_template_whose_value_is_no_output(service, folder, tmp_path, output):
    operator = batch(folder, tmp_path, output="{{ params.output }}")
    operator.output_path = output
    with pytest.raises(AirflowFailException) as failure:
        operator.execute(context())
    assert isinstance(failure.value.__cause__, InvalidOutput)


@pytest.mark.parametrize(
    "limit",
    [
        {"max_failed": -1},
        {"max_failed_share": 1.5},
        {"max_failed_share": -0.1},
        {"max_failed": 1, "max_failed_share": 0.5},
    ],
)
def test_a_limit_that_means_nothing(limit):
    with pytest.raises(ValueError, match="max_failed"):
        ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], **limit)


@pytest.mark.parametrize(("share", "is_exceeded"), [(0.1, False), (0.05, True)])
def test_a_share_as_it_was_spelled_before(share, is_exceeded):
    with pytest.warns(DeprecationWarning, match=f"max_failed_share={share}"):
        operator = ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], max_failed=share)
    assert operator.limit.is_exceeded(1, 10) is is_exceeded


def test_a_share_above_one_as_it_was_spelled_before():
    with pytest.warns(DeprecationWarning, match="share"), pytest.raises(ValueError, match="max_failed_share"):
        ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], max_failed=1.5)


@pytest.mark.parametrize("output", ["out.jsonl", "{{ ds }}.jsonl"])
def test_mapped_tasks_have_an_output_each(output):
    with pytest.raises(ValueError, match=r"map_index") as raised:
        ClassifyBatchOperator.partial(task_id="t", categories=["a"], output=output)
    assert "'t'" in str(raised.value)


def test_mapped_tasks_with_an_output_each():
    with DAG("mapped"):
        ClassifyBatchOperator.partial(task_id="by_index", categories=["a"], output="{{ ti.map_index }}.jsonl").expand(
            documents=["a", "b"]
        )
        ClassifyBatchOperator.partial(task_id="by_value", categories=["a"]).expand_kwargs(
            [{"documents": "a", "output": "a.jsonl"}, {"documents": "b", "output": "b.jsonl"}]
        )
        ClassifyBatchOperator.partial(task_id="without", categories=["a"]).expand(documents=["a", "b"])


def test_the_arguments_that_both_operators_have_are_checked():
    for wrong in ({"timeout": 0}, {"poll_interval": 0.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], **wrong)
    with pytest.raises(InvalidCategories, match="'t'"):
        ClassifyBatchOperator(task_id="t", documents=[], categories=[])
    operator = ClassifyBatchOperator(task_id="t", documents="{{ params.folder }}", categories=["a"])
    for wrong, says in ((None, "The documents are None"), (5, "type int; give a folder, or a list of documents")):
        operator.documents = wrong
        with pytest.raises(AirflowFailException, match=f"InvalidDocument: .*{says}"):
            operator.execute(context())
