"""
Decide where a classified document goes.

The functions are pure: they take a result from XCom and return a route. :class:`ClassifyBranchOperator` and the tasks
of ``operators.sort`` make the same decisions.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from airflow_provider_classify.exceptions import InvalidResult, InvalidRoutes

#: A route: a task id, a queue, a folder, or any other value.
Route = TypeVar("Route")
#: The lowest confidence that needs no review, from 0 to 1: one for all categories, or one for each category.
Threshold: TypeAlias = float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decision(Generic[Route]):
    """
    The route of a document, and the reason for it.

    :param category: the category of the result; ``None`` for a blank document, a failure and a missing result.
    :param confidence: the confidence of the result, from 0 to 1; ``None`` if ``category`` is ``None``.
    :param route: the route of the document.
    :param why: the reason in one sentence.
    """

    category: str | None
    confidence: float | None
    route: Route
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object for XCom."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Routing(Generic[Route]):
    """
    The rules that choose a route for each result.

    :param routes: the routes by category name.
    :param review: the route of a result below the threshold, of a blank document, of a failed classification and of
        a missing result.
    :param otherwise: the route of a category that is not in ``routes``. Without it, such a category goes to
        ``review``.
    :param minimum_confidence: the threshold, a confidence from 0 to 1; or a threshold for each category. Then a
        category without a threshold goes to ``review``. A number can be text, because a template renders to text.
    :raises InvalidRoutes: an argument has a wrong type, or a threshold is not a number from 0 to 1.
    """

    routes: Mapping[str, Route]
    review: Route
    otherwise: Route | None
    minimum_confidence: Threshold

    def __post_init__(self) -> None:
        if not isinstance(self.routes, Mapping) or not self.routes:
            raise InvalidRoutes(
                f"The routes are {self.routes!r}; give a dict from each category to its route, with at least one entry."
            )
        for category in self.routes:
            if not isinstance(category, str):
                raise InvalidRoutes(f"The routes have the key {category!r}; give the name of a category.")
        _check_threshold(self.minimum_confidence)

    def all_routes(self) -> list[Route]:
        """Return each route that a decision can have, ``review`` last."""
        last = [self.review] if self.otherwise is None else [self.otherwise, self.review]
        return [*self.routes.values(), *last]

    def check_categories(self, names: Collection[str]) -> None:
        """
        Check the rules against the categories that a result can have.

        :raises InvalidRoutes: a key of the rules is not a category, or a category has no route or no threshold.
        """
        thresholds = self.minimum_confidence if isinstance(self.minimum_confidence, Mapping) else None
        for argument, keys in (("routes", self.routes), ("minimum_confidence", thresholds or {})):
            for key in keys:
                if key not in names:
                    raise InvalidRoutes(
                        f"The key {key!r} of {argument} is not a category; use one of {', '.join(map(repr, names))}."
                    )
        for name in names:
            if thresholds is not None and name not in thresholds:
                raise InvalidRoutes(f"The category {name!r} has no threshold; add it to minimum_confidence.")
            if self.otherwise is None and name not in self.routes:
                raise InvalidRoutes(f"The category {name!r} has no route; add it to routes, or give otherwise.")

    def decide(self, result: Mapping[str, Any] | None) -> Decision[Route]:
        """
        Decide where a result from XCom goes.

        :param result: the result; ``None`` if the task that classifies failed or was skipped.
        :raises InvalidResult: the value is not a result.
        """
        if result is None:
            return Decision(None, None, self.review, "There is no result.")
        if not isinstance(result, Mapping):
            raise InvalidResult(
                f"The value to route is a {type(result).__name__}; give one result, as a ClassifyOperator puts it in "
                'XCom, and not its text or job id: result=classify.output, or ti.xcom_pull("classify").'
            )
        category = result.get("classification")
        if result.get("success") is False or category is None:
            return Decision(None, None, self.review, _why_there_is_no_category(result))
        confidence = _number(result.get("confidence"))
        if not isinstance(category, str) or confidence is None:
            raise InvalidResult(
                f"The result of {result.get('document', 'a document')!r} has the classification {category!r} and the "
                f"confidence {result.get('confidence')!r}; give the result of a ClassifyOperator unchanged."
            )
        return Decision(category, confidence, *self._route(category, confidence))

    def _route(self, category: str, confidence: float) -> tuple[Route, str]:
        threshold = self._threshold_of(category)
        if threshold is None:
            return self.review, f"The category {category!r} has no threshold."
        if confidence < threshold:
            return self.review, f"The confidence {confidence} is below the threshold {threshold}."
        if category in self.routes:
            return self.routes[category], f"The confidence {confidence} reaches the threshold {threshold}."
        if self.otherwise is None:
            return self.review, f"The category {category!r} has no route."
        return self.otherwise, f"The category {category!r} has no route of its own."

    def _threshold_of(self, category: str) -> float | None:
        if not isinstance(self.minimum_confidence, Mapping):
            return float(self.minimum_confidence)
        threshold = self.minimum_confidence.get(category)
        return None if threshold is None else float(threshold)


def route(
    result: Mapping[str, Any] | None,
    routes: Mapping[str, Route],
    *,
    otherwise: Route,
    review: Route,
    minimum_confidence: Threshold,
) -> Route:
    """
    Return the route of a result from XCom. The parameters are those of :class:`Routing`.

    :param result: the result; ``None`` if the task that classifies failed or was skipped.
    :raises InvalidResult: the value is not a result.
    :raises InvalidRoutes: a rule is wrong.
    """
    return Routing(routes, review, otherwise, minimum_confidence).decide(result).route


def sort_by_route(
    results: Iterable[Mapping[str, Any] | None],
    *,
    routes: Mapping[str, str | Sequence[str]],
    otherwise: str | Sequence[str] | None = None,
    review: str | Sequence[str],
    minimum_confidence: Threshold,
) -> dict[str, list[dict[str, Any]]]:
    """
    Sort results into a list for each route.

    Each result gets the key ``decision``, with ``category``, ``confidence``, ``route`` and ``why``. A result whose
    route is a list of names is in each of these lists.

    In a DAG file, use the function of the same name in ``operators.sort``, which creates the tasks that do this.

    :param results: the results of a mapped ``ClassifyOperator``, or the rows of a batch. ``None`` means a missing
        result.
    :returns: the results by route. Routes without results have an empty list.
    :raises InvalidResult: the value is not a list of results.
    :raises InvalidRoutes: a rule is wrong.
    """
    if isinstance(results, (str, bytes, Mapping)) or not isinstance(results, Iterable):
        raise InvalidResult(
            f"The results to sort are a {type(results).__name__}; give a list of results, and between the tasks of a "
            "DAG file use sort_by_route of airflow_provider_classify.operators.sort."
        )
    routing = Routing(routes, review, otherwise, minimum_confidence)
    by_route: dict[str, list[dict[str, Any]]] = {name: [] for name in route_names(routing)}
    for result in results:
        decision = routing.decide(result)
        for name in as_names(decision.route):
            by_route[name].append({**(result or {}), "decision": decision.to_json()})
    return by_route


def route_names(routing: Routing[str | Sequence[str]]) -> list[str]:
    """
    Return the names of all routes, each once, in the order of the rules.

    :raises InvalidRoutes: a route is neither a name nor a list of names. The error names the argument.
    """
    arguments = [f"route of {category!r}" for category in routing.routes]
    arguments += ["review"] if routing.otherwise is None else ["otherwise", "review"]
    given = zip(arguments, routing.all_routes(), strict=True)
    return list(dict.fromkeys(name for argument, route in given for name in as_names(route, argument)))


def as_names(route: str | Sequence[str], argument: str = "route") -> Sequence[str]:
    """
    Return the names of a route, which is one name or a list of names.

    :param argument: the description of the route in the error.
    :raises InvalidRoutes: the route is neither, or it has no names or an empty name.
    """
    names = [route] if isinstance(route, str) else route
    if (
        not isinstance(names, Sequence)
        or not names
        or not all(isinstance(name, str) and name.strip() for name in names)
    ):
        raise InvalidRoutes(f"The {argument} is {route!r}; give one task id, or a list of task ids.")
    return names


def _check_threshold(given: object) -> None:
    value = given
    if isinstance(value, Mapping):
        for category, threshold in value.items():
            if isinstance(threshold, Mapping) or not isinstance(category, str):
                raise InvalidRoutes(
                    f"The minimum_confidence has the entry {category!r}: {threshold!r}; give a category and a number."
                )
            _check_threshold(threshold)
        return
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    number = _number(value)
    if number is None or not 0 <= number <= 1:
        raise InvalidRoutes(f"The minimum_confidence is {given!r}; give a number from 0 to 1, or a dict of these.")


def _number(value: object) -> float | None:
    """Return a finite number; ``None`` for any other value, including a boolean."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _why_there_is_no_category(result: Mapping[str, Any]) -> str:
    if result.get("error"):
        return f"The classification failed with {result.get('error_kind') or 'an error'}."
    if result.get("blank"):
        return "The document is blank."
    return "The result has no category."
