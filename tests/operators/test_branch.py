"""The branch operator: its checks when the DAG is parsed, and real runs of a DAG."""

from __future__ import annotations

import pytest
from airflow.models import DagBag
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_classify.exceptions import InvalidCategories, InvalidDocument, InvalidResult, InvalidRoutes
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from tests.dags import branch_cases
from tests.dags.branch_cases import LEGS
from tests.support.context import context
from tests.support.dags import run_dag

RULES = {"routes": {"invoice": "pay"}, "review": "person", "minimum_confidence": 0.8}


def branch(**arguments):
    return ClassifyBranchOperator(task_id="sort", **{"document": "d.pdf", **RULES, **arguments})


class TestWhenTheOperatorIsCreated:
    def test_the_categories_are_the_keys_of_the_routes(self):
        assert branch().categories == ["invoice"]
        assert branch(categories=["invoice", "letter"], otherwise="file").categories == ["invoice", "letter"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"routes": {}}, "The routes are"),
            ({"routes": None}, "The routes are None"),
            ({"routes": ["invoice"]}, "The routes are"),
            ({"routes": {7: "pay"}}, "the key 7"),
            ({"routes": {"invoice": 7}}, "The route of 'invoice' is 7; give one task id"),
            ({"routes": {"invoice": []}}, r"The route of 'invoice' is \[\]; give one task id"),
            ({"routes": {"invoice": ["pay", None]}}, "The route"),
            ({"review": None}, "The review is None; give one task id"),
            ({"review": " "}, "The review is ' '; give one task id"),
            ({"otherwise": 7}, "The otherwise is 7; give one task id"),
            ({"minimum_confidence": 80}, "The minimum_confidence is 80"),
            ({"minimum_confidence": -0.1}, "The minimum_confidence is -0.1"),
            ({"minimum_confidence": True}, "The minimum_confidence is True"),
            ({"minimum_confidence": None}, "The minimum_confidence is None"),
            ({"minimum_confidence": "high"}, "The minimum_confidence is 'high'"),
            ({"minimum_confidence": float("nan")}, "The minimum_confidence is nan"),
            ({"minimum_confidence": {"invoice": 2}}, "The minimum_confidence is 2"),
            ({"minimum_confidence": {"letter": 0.5}}, "'letter' of minimum_confidence is not a category"),
            ({"minimum_confidence": {}}, "'invoice' has no threshold"),
            (
                {"categories": ["invoce"], "otherwise": "x"},
                "'invoice' of routes is not a category; use one of 'invoce'",
            ),
            ({"categories": ["invoice", "letter"]}, "'letter' has no route"),
        ],
    )
    def test_a_wrong_rule_is_refused_with_the_task(self, arguments, message):
        with pytest.raises(InvalidRoutes, match=f"^Task 'sort': .*{message}"):
            branch(**arguments)

    def test_a_wrong_document_or_category_is_refused_as_by_the_plain_operator(self):
        with pytest.raises(InvalidDocument, match=r"^Task 'sort'"):
            branch(document=7)
        with pytest.raises(InvalidCategories, match=r"^Task 'sort'"):
            branch(categories=[])

    @pytest.mark.parametrize("arguments", [{"document": None}, {"result": {"classification": "invoice"}}])
    def test_either_a_document_or_a_result_is_needed(self, arguments):
        with pytest.raises(ValueError, match="'sort' needs a document or a result"):
            branch(**arguments)

    @pytest.mark.parametrize("argument", ["wait_for_completion", "end_from_trigger"])
    def test_what_ends_the_task_before_its_decision_is_refused(self, argument):
        with pytest.raises(ValueError, match=f"'sort' cannot have {argument}"):
            branch(**{argument: True})

    def test_a_threshold_may_be_a_template(self):
        assert branch(minimum_confidence="{{ params.minimum }}").minimum_confidence == "{{ params.minimum }}"

    def test_it_cannot_be_mapped(self):
        with pytest.raises(InvalidRoutes, match=r"'sort': a branch cannot be mapped.*mapped task group.*sort_by_route"):
            ClassifyBranchOperator.partial(task_id="sort", **RULES)


HEAD = """
from airflow.providers.common.compat.sdk import DAG, TaskGroup
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

def branch(**arguments):
    rules = {"routes": {"invoice": "pay"}, "review": "person", "minimum_confidence": 0.8}
    return ClassifyBranchOperator(task_id="sort", **{"document": "d.pdf", **rules, **arguments})

def task(name):
    return EmptyOperator(task_id=name)

with DAG("parsed", schedule=None):
"""


def parse(folder, body):
    """Parse a DAG file as Airflow does. :returns: the error, or an empty text."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    (folder / "parsed.py").write_text(HEAD + lines)
    bag = DagBag(str(folder))
    assert bool(bag.dags) != bool(bag.import_errors)
    return "".join(bag.import_errors.values())


class TestWhenTheDagIsParsed:
    @pytest.mark.parametrize(
        "body",
        [
            'branch() >> [task("pay"), task("person"), task("other")]',
            'branch(routes={"invoice": ["pay", "book"]}) >> [task("pay"), task("person"), task("book")]',
            'with TaskGroup("a"):\n    branch() >> [task("pay"), task("person")]',
            'with TaskGroup("a"):\n    branch(review="a.person") >> [task("pay"), task("person")]',
            'with TaskGroup("a"):\n    with TaskGroup("b"):\n        b = branch()\n        b >> task("pay")\n'
            '    b >> task("person")',
            'with TaskGroup("a", prefix_group_id=False):\n    branch() >> [task("pay"), task("person")]',
            'b = branch()\nwith TaskGroup("pay") as pay:\n    task("x") >> task("y")\nb >> [pay, task("person")]',
            'c = ClassifyOperator(task_id="c", document="d", categories=["invoice"])\n'
            'branch(document=None, result=c.output) >> [task("pay"), task("person")]',
        ],
    )
    def test_targets_directly_downstream_are_found(self, tmp_path, body):
        assert parse(tmp_path, body) == ""

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ('branch() >> [task("pya"), task("person")]', "'pay' is not directly downstream ('person', 'pya' is)"),
            ('branch() >> task("pay")', "'person' is not directly downstream"),
            ('branch(otherwise="file") >> [task("pay"), task("person")]', "'file' is not directly downstream"),
            ('branch() >> task("person") >> task("pay")', "'pay' is not directly downstream"),
            ("branch()", "'pay' is not directly downstream (no task is)"),
            ('with TaskGroup("a"):\n    b = branch()\n    b >> task("person")\ntask("pay")', "'pay' is not directly"),
            (
                'c = ClassifyOperator(task_id="c", document="d", categories=["invoce"])\n'
                'branch(document=None, result=c.output) >> [task("pay"), task("person")]',
                "'invoice' of routes is not a category; use one of 'invoce'",
            ),
            (
                'c = ClassifyOperator(task_id="c", document="d", categories=["invoice", "letter"])\n'
                'branch(document=None, result=c.output) >> [task("pay"), task("person")]',
                "'letter' has no route",
            ),
        ],
    )
    def test_a_wrong_target_or_category_is_an_error_of_the_file(self, tmp_path, body, message):
        error = parse(tmp_path, body)
        assert message in error
        assert error.startswith("InvalidRoutes: Task '")


@pytest.fixture(scope="module")
def run(service, samples):
    return run_dag(branch_cases.dag, connection="service", folder=str(samples))


class TestInADag:
    @pytest.mark.parametrize(
        ("group", "followed"),
        [
            ("deferring", {"legal", "archive"}),
            ("waiting", {"archive"}),
            ("of_result", {"pay"}),
            ("of_a_doubtful_result", {"person"}),
            ("of_no_result", {"person"}),
            ("decorated", {"legal", "archive"}),
        ],
    )
    def test_only_the_tasks_of_the_category_run(self, run, group, followed):
        states = {leg: run.task_states[f"{group}.{leg}", -1] for leg in LEGS}
        assert states == {leg: "success" if leg in followed else "skipped" for leg in LEGS}
        assert run.task_states[f"{group}.join", -1] == "success"

    def test_a_target_may_be_a_group_or_outside_the_group(self, run):
        states = {name: run.task_states[name, -1] for name in (
            "into_groups.accounting.book", "into_groups.accounting.pay", "into_groups.filing.file", "outside"
        )}  # fmt: skip
        assert list(states.values()) == ["success", "success", "skipped", "skipped"]

    def test_the_result_is_in_xcom_as_that_of_the_plain_operator(self, run, samples):
        result = run.xcom("deferring.branch")
        assert (result["document"], result["classification"]) == (f"{samples}/contract.pdf", "contract")
        assert result["job_id"] == run.xcom("deferring.branch", key="job_id")
        assert run.xcom("of_result.branch") == run.xcom("of_result.classify")
        assert run.xcom("decorated.branch_on")["document"] == f"{samples}/contract.pdf"

    def test_the_decision_is_in_xcom(self, run):
        decision = run.xcom("deferring.branch", key="decision")
        assert (decision["category"], decision["route"]) == ("contract", ["legal", "archive"])
        assert decision["confidence"] == run.xcom("deferring.branch")["confidence"]
        assert run.xcom("of_a_doubtful_result.branch", key="decision") == {
            "category": "invoice",
            "confidence": 0.4,
            "route": "person",
            "why": "The confidence 0.4 is below the threshold 0.5.",
        }
        assert run.xcom("of_no_result.branch", key="decision")["why"] == "There is no result."

    def test_the_job_is_waited_for_in_the_triggerer(self, run):
        assert (run.starts["deferring.branch"], run.starts["decorated.branch_on"]) == (2, 2)


class TestWhenTheTaskRuns:
    """What a template or an earlier task gives is checked before anything is submitted."""

    def placed(self, **arguments):
        with DAG("placed", schedule=None):
            operator = branch(**arguments)
            operator >> [EmptyOperator(task_id="pay"), EmptyOperator(task_id="person")]
        return operator

    def fails(self, operator, error, message):
        with pytest.raises(AirflowFailException, match=message) as raised:
            operator.execute(context())
        assert isinstance(raised.value.__cause__, error)

    @pytest.mark.parametrize("value", [["a result"], "{'classification': 'invoice'}", 7])
    def test_what_is_no_result(self, value):
        self.fails(self.placed(document=None, result=value), InvalidResult, "InvalidResult: .*give one result")

    @pytest.mark.parametrize("result", [{"classification": "invoice"}, {"classification": 7, "confidence": 1}])
    def test_a_result_that_was_changed(self, result):
        self.fails(self.placed(document=None, result=result), InvalidResult, "InvalidResult: .*unchanged")

    def test_a_threshold_that_renders_to_nonsense(self):
        operator = self.placed(minimum_confidence="{{ params.minimum }}")
        operator.minimum_confidence = "80"
        self.fails(operator, InvalidRoutes, "InvalidRoutes: Task 'sort': The minimum_confidence is '80'")

    def test_categories_that_render_to_others(self):
        operator = self.placed(categories="{{ params.categories }}")
        operator.categories = '["letter"]'
        self.fails(operator, InvalidRoutes, "InvalidRoutes: Task 'sort': The key 'invoice' of routes is not a category")

    def test_a_branch_that_is_mapped_after_all(self):
        operator = self.placed()
        values = context()
        values["ti"].map_index = 0
        with pytest.raises(AirflowFailException, match="'sort': a branch cannot be mapped"):
            operator.execute(values)
