"""
A branch of Airflow itself in a mapped task group, without this package (apache/airflow#67265).

Airflow 3.2 and 3.3 run every leg: the scheduler looks for the decision to skip at the map index -1, where the branch
has not written it. This is why ``ClassifyBranchOperator`` skips the instances itself.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task, task_group

with DAG("branch_in_mapped_group", schedule=None) as dag:

    @task
    def leg() -> None: ...

    @task.branch
    def branch(number: int) -> str:
        return "each.even" if number % 2 == 0 else "each.odd"

    @task_group
    def each(number: int) -> None:
        branch(number) >> [leg.override(task_id=name)() for name in ("even", "odd")]

    each.expand(number=[0, 1])
