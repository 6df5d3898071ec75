"""The tasks that sort results by route, and a branch in a mapped task group, in real runs of DAGs."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.exceptions import InvalidRoutes
from airflow_provider_classify.operators.sort import sort_by_route

RULES = {"routes": {"invoice": "to_pay"}, "review": "unclear", "minimum_confidence": 0.8}


@task
def results():
    return []


class TestWhenTheDagIsParsed:
    def test_there_is_a_task_for_each_route(self):
        with DAG("sorted", schedule=None) as dag:
            by_route = sort_by_route(results(), otherwise="to_archive", retries=3, **RULES)
        assert list(by_route) == ["to_pay", "to_archive", "unclear"]
        assert set(dag.task_ids) == {"results", *(f"sort_by_route.{name}" for name in by_route)}
        assert dag.get_task("sort_by_route.to_pay").retries == 3
        assert dag.get_task("sort_by_route.to_pay").upstream_task_ids == {"results"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"routes": {}}, "The routes are"),
            ({"review": None}, "The review is None; give one task id"),
            ({"otherwise": ["archive", 3]}, r"The otherwise is \['archive', 3\]; give one task id"),
            ({"routes": {"invoice": ""}}, "The route of 'invoice' is ''; give one task id"),
            ({"minimum_confidence": 80}, "The minimum_confidence is 80"),
        ],
    )
    def test_a_wrong_rule_is_refused_with_the_task_group(self, arguments, message):
        with (
            DAG("sorted", schedule=None),
            pytest.raises(InvalidRoutes, match=f"^Task group 'sort_by_route': {message}"),
        ):
            sort_by_route(results(), **RULES | arguments)

    def test_an_unknown_route_is_refused_with_the_known_ones(self):
        with DAG("sorted", schedule=None):
            by_route = sort_by_route(results(), **RULES)
        with pytest.raises(InvalidRoutes, match=r"^There is no route 'pai'; use one of 'to_pay', 'unclear'\.$"):
            by_route["pai"]
        assert by_route.get("pai") is None
        assert "pai" not in by_route

    def test_results_that_are_there_already_are_refused(self):
        with pytest.raises(InvalidRoutes, match=r"'sort_by_route' are a list; .*airflow_provider_classify\.routing"):
            sort_by_route([], **RULES)
