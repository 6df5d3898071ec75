"""Sort the results of many documents into a list for each route, over which the next task of a DAG can map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup, XComArg, task

from airflow_provider_classify import routing
from airflow_provider_classify.exceptions import InvalidRoutes
from airflow_provider_classify.lifecycle import fail_fast
from airflow_provider_classify.operators.checks import is_known
from airflow_provider_classify.routing import Routing, Threshold


def sort_by_route(
    results: XComArg,
    *,
    routes: Mapping[str, str | Sequence[str]],
    review: str | Sequence[str],
    minimum_confidence: Threshold | str | XComArg,
    otherwise: str | Sequence[str] | None = None,
    group_id: str = "sort_by_route",
    **task_arguments: Any,
) -> dict[str, XComArg]:
    """
    Create a task for each route, which returns the list of its results.

    Map the task that follows over the list: ``pay.expand(result=by_route["pay"])``. A task that maps over an empty
    list is skipped. Each result has the key ``decision``, as in :func:`routing.sort_by_route`.

    :param results: the output of a mapped ``ClassifyOperator``, or of a batch without an output file.
    :param routes: the route of each category: a name, or a list of names. The names become task ids.
    :param review: the route of a result below the threshold, of a blank document and of a failed classification.
    :param minimum_confidence: the threshold, from 0 to 1, for all categories; or a dict with a threshold for each
        category. Templated.
    :param otherwise: the route of a category that is not in ``routes``. The default is ``review``.
    :param group_id: the id of the task group that holds the tasks.
    :param task_arguments: arguments of the tasks, such as ``trigger_rule`` or ``retries``.
    :returns: the output of the task of each route, by the route's name. Any other name raises
        :class:`InvalidRoutes`, which names the routes.
    :raises InvalidRoutes: a rule is wrong, or ``results`` is not the output of a task.
    """
    if not isinstance(results, XComArg):
        raise InvalidRoutes(
            f"The results of the task group {group_id!r} are a {type(results).__name__}; give the output of a task, "
            "and in a function of your own use sort_by_route of airflow_provider_classify.routing."
        )
    try:
        threshold: Any = minimum_confidence if is_known(minimum_confidence) else 0.0
        names = routing.route_names(Routing(routes, review, otherwise, threshold))
    except InvalidRoutes as error:
        raise InvalidRoutes(f"Task group {group_id!r}: {error}") from error
    rules = {
        "routes": dict(routes),
        "otherwise": otherwise,
        "review": review,
        "minimum_confidence": minimum_confidence,
    }
    with TaskGroup(group_id):
        return _Outputs(
            {name: _results_of.override(task_id=name, **task_arguments)(results, name, rules) for name in names}
        )


class _Outputs(dict[str, XComArg]):
    """The outputs of the tasks by route. The error for an unknown route names the known ones."""

    def __missing__(self, name: object) -> XComArg:
        raise InvalidRoutes(f"There is no route {name!r}; use one of {', '.join(map(repr, self))}.")


@task
def _results_of(results: Any, name: str, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of one route."""
    with fail_fast.fail_without_retry():
        return routing.sort_by_route(results, **rules)[name]
