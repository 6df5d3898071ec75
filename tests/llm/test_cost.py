from __future__ import annotations

import pytest

from airflow_provider_classify.exceptions import BudgetUsedUp
from airflow_provider_classify.llm.cost import Budget
from airflow_provider_classify.model.usage import Usage


def test_a_budget_of_tokens_counts_requests_and_answers() -> None:
    budget = Budget("model", tokens=100)
    budget.add(Usage(1, 60, 39))
    budget.require_left("a.pdf")
    budget.add(Usage(1, 0, 1))
    with pytest.raises(BudgetUsedUp, match=r"100 tokens.*budget_tokens of the connection 'model'.*a\.pdf"):
        budget.require_left("a.pdf")


def test_a_budget_of_money_counts_only_known_prices() -> None:
    budget = Budget("model", cost=0.01)
    budget.add(Usage(1, 10**6, 10**6, None))
    budget.require_left("a.pdf")
    budget.add(Usage(1, 1, 1, 0.01))
    with pytest.raises(BudgetUsedUp, match=r"\$0\.01 of the \$0\.01 that budget_cost"):
        budget.require_left("a.pdf")


def test_what_earlier_tries_used_counts() -> None:
    with pytest.raises(BudgetUsedUp):
        Budget("model", tokens=10, used=Usage(1, 10, 0)).require_left("a.pdf")


def test_without_a_budget_there_is_always_something_left() -> None:
    budget = Budget("model")
    budget.add(Usage(1, 10**9, 10**9, 10.0**6))
    budget.require_left("a.pdf")


def test_usages_add_up() -> None:
    total = Usage(1, 10, 2, 0.25) + Usage(2, 20, 3, 0.5)
    assert total.to_json() == {"requests": 3, "input_tokens": 30, "output_tokens": 5, "cost": 0.75}
    assert Usage.from_json(total.to_json()) == total
    assert "cost" not in (total + Usage(1, 1, 1, None)).to_json()


@pytest.mark.parametrize("payload", [None, "x", [], {"input_tokens": -1}, {"output_tokens": 1.5}, {"requests": True}])
def test_another_value_is_no_usage(payload: object) -> None:
    assert Usage.from_json(payload) is None
