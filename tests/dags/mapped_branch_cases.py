"""Branch in a mapped task group, with an instance for each result. The branch is as fast as a task can be."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_classify.operators.branch import ClassifyBranchOperator

#: The category of each result. The last one is doubtful.
CATEGORIES = ("invoice", "contract", "letter", "invoice", "letter", "contract")

with DAG("mapped_branch_cases", schedule=None, max_active_tasks=16) as dag:

    @task
    def results() -> list[dict[str, Any]]:
        last = len(CATEGORIES) - 1
        return [
            {"document": f"{index}.pdf", "classification": category, "confidence": 0.2 if index == last else 0.9}
            for index, category in enumerate(CATEGORIES)
        ]

    @task
    def leg(result: dict[str, Any]) -> str:
        return str(result["document"])

    @task(trigger_rule="none_failed_min_one_success")
    def join() -> None: ...

    @task_group
    def each(result: dict[str, Any]) -> None:
        branch = ClassifyBranchOperator(
            task_id="branch",
            result=result,
            routes={"invoice": "pay", "contract": ["legal", "archive"]},
            otherwise="archive",
            review="person",
            minimum_confidence=0.5,
        )
        legs = [leg.override(task_id=name)(result) for name in ("pay", "legal", "archive", "person")]
        branch >> [*legs, join()]
        legs >> dag.get_task("each.join")

    each.expand(result=results())
