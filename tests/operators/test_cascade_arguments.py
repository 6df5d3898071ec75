"""The arguments of a cascade, checked when the DAG is parsed and when the task runs."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_classify.exceptions import InvalidCascade
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.cascades import SURE, operator, task_context


class TestWhenTheDagIsParsed:
    @pytest.mark.parametrize("below", [0, -0.1, 1.01, float("nan"), "0.9", True, [0.9]])
    def test_a_threshold_out_of_range_or_of_another_type(self, below):
        with pytest.raises(InvalidCascade, match=r"escalate_below of the task 't'"):
            operator("d.pdf", escalate_below=below)

    @pytest.mark.parametrize("one", [{"escalate_to": None}, {"escalate_below": None}])
    def test_one_argument_without_the_other(self, one):
        with pytest.raises(InvalidCascade, match=r"'t'.*both"):
            operator("d.pdf", **one)

    @pytest.mark.parametrize("to", ["", " ", 7, ["second"]])
    def test_what_is_no_connection(self, to):
        with pytest.raises(InvalidCascade, match=r"escalate_to of the task 't'"):
            operator("d.pdf", escalate_to=to)

    def test_the_same_connection_twice(self):
        with pytest.raises(InvalidCascade, match=r"'t'.*'first' twice"):
            operator("d.pdf", escalate_to="first")

    def test_no_wait(self):
        with pytest.raises(InvalidCascade, match="wait_for_completion"):
            operator("d.pdf", wait_for_completion=False)

    def test_a_batch_is_checked_as_well(self):
        with pytest.raises(InvalidCascade, match="'b'"):
            ClassifyBatchOperator(task_id="b", documents=[], categories=["a"], escalate_to="x", escalate_below=2)

    def test_a_template_is_checked_when_it_is_rendered(self, apis):
        apis.answer(SURE)
        task = operator(apis.document, escalate_to="{{ params.second }}")
        for rendered in ("first", ""):
            task.escalate_to = rendered
            with pytest.raises(AirflowFailException, match="InvalidCascade"):
                task.execute(task_context())

    def test_a_mapped_task(self):
        with DAG("mapped"):
            mapped = ClassifyOperator.partial(
                task_id="t", categories=["a"], escalate_to="second", escalate_below=0.9
            ).expand(document=["a.pdf"])
        assert mapped.task_id == "t"

    @pytest.mark.parametrize("wrong", [{"escalate_below": 2}, {"escalate_to": "first"}])
    @pytest.mark.parametrize("operator_class", [ClassifyOperator, ClassifyBatchOperator])
    def test_a_mapped_task_is_checked_as_well(self, operator_class, wrong):
        arguments = {"classify_conn_id": "first", "escalate_to": "second", "escalate_below": 0.9, **wrong}
        with pytest.raises(InvalidCascade, match="'t'"):
            operator_class.partial(task_id="t", categories=["a"], **arguments)

    def test_a_branch_on_a_result_classifies_nothing(self):
        arguments = {"routes": {"invoice": "pay"}, "review": "ask", "minimum_confidence": 0.8}
        with pytest.raises(ValueError, match=r"'t'.*escalate_to"):
            ClassifyBranchOperator(task_id="t", result={}, escalate_to="a", escalate_below=0.9, **arguments)
