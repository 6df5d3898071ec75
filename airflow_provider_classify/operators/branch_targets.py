"""Find the targets of a branch in the graph of its DAG. The graph is complete only at the end of the DAG file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from airflow_provider_classify.exceptions import InvalidRoutes
from airflow_provider_classify.lifecycle import compat


def find_target(task: Any, name: str) -> str:
    """
    Return the full id of the task or task group that a target names.

    The name is searched in the task group of ``task`` first, then in the groups around it, then in the whole DAG.

    :param task: the branch, which belongs to a DAG.
    :raises InvalidRoutes: no task or task group of this name is directly downstream of the branch.
    """
    for full_id in _candidates(task, name):
        if not task.downstream_task_ids.isdisjoint(_tasks_of(task.dag, full_id)):
            return full_id
    downstream = ", ".join(map(repr, sorted(task.downstream_task_ids))) or "no task"
    raise InvalidRoutes(
        f"Task {task.task_id!r}: the target {name!r} is not directly downstream ({downstream} is); "
        "correct the name, or set it downstream of this task."
    )


def tasks_to_skip(task: Any, followed: Iterable[str]) -> list[str]:
    """
    Return the tasks of the same mapped task group that an instance of the branch skips.

    They are the tasks directly downstream, except the followed tasks and the tasks downstream of these.

    :param followed: the full ids of the followed tasks and task groups.
    """
    kept: set[str] = set()
    for task_id in (task_id for full_id in followed for task_id in _tasks_of(task.dag, full_id)):
        kept |= {task_id, *task.dag.get_task(task_id).get_flat_relative_ids(upstream=False)}
    group = compat.mapped_task_group(task)
    return [
        task_id
        for task_id in sorted(task.downstream_task_ids - kept)
        if compat.mapped_task_group(task.dag.get_task(task_id)) is group
    ]


def _candidates(task: Any, name: str) -> Iterator[str]:
    group = task.task_group
    while group is not None:
        yield group.child_id(name)
        group = group.parent_group
    yield name


def _tasks_of(dag: Any, full_id: str) -> set[str]:
    """Return the ids of the first tasks of a task group. For a task, return its own id."""
    group = dag.task_group_dict.get(full_id)
    return {full_id} if group is None else {root.task_id for root in group.get_roots()}
