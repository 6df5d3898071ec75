from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_classify.exceptions import InvalidResult, InvalidRoutes
from airflow_provider_classify.routing import Decision, Routing, route, sort_by_route

ROUTES = {"invoice": "pay", "contract": "legal"}
INVOICE = {"document": "a.pdf", "classification": "invoice", "confidence": 0.9}


def chosen(result: dict[str, Any] | None, minimum_confidence: float = 0.7) -> str:
    return route(result, ROUTES, otherwise="archive", review="person", minimum_confidence=minimum_confidence)


@pytest.mark.parametrize(
    ("classification", "confidence", "expected"),
    [
        ("invoice", 0.9, "pay"),
        ("contract", 0.7, "legal"),
        ("contract", 0.69, "person"),
        ("letter", 0.9, "archive"),
        ("letter", 0.1, "person"),
        (None, 0.0, "person"),
        (None, 1.0, "person"),
    ],
)
def test_a_result_goes_where_it_should(classification: str | None, confidence: float, expected: str) -> None:
    assert chosen({"classification": classification, "confidence": confidence}) == expected


def test_no_result_goes_to_review() -> None:
    assert chosen(None) == "person"
    assert chosen({}) == "person"


def test_without_a_minimum_every_answer_counts_but_none() -> None:
    assert chosen({"classification": "invoice", "confidence": 0.0}, minimum_confidence=0) == "pay"
    assert chosen(None, minimum_confidence=0) == "person"


def test_a_document_that_cannot_be_read_goes_to_review() -> None:
    error = {"success": False, "error": "a.pdf is damaged.", "error_kind": "DocumentCorrupt"}
    assert chosen(error, minimum_confidence=0) == "person"
    assert chosen(error | {"classification": "invoice", "confidence": 0.9}) == "person"


def decision(result: Any, **rules: Any) -> Decision[Any]:
    given: dict[str, Any] = {"review": "person", "otherwise": "archive", "minimum_confidence": 0.7} | rules
    return Routing(ROUTES, **given).decide(result)


@pytest.mark.parametrize(
    ("result", "route", "why"),
    [
        (INVOICE, "pay", "The confidence 0.9 reaches the threshold 0.7."),
        (INVOICE | {"confidence": 0.6}, "person", "The confidence 0.6 is below the threshold 0.7."),
        (INVOICE | {"classification": "letter"}, "archive", "The category 'letter' has no route of its own."),
        (None, "person", "There is no result."),
        ({"success": True, "classification": None, "blank": True}, "person", "The document is blank."),
        ({"success": True, "classification": None}, "person", "The result has no category."),
        ({"success": False, "error": "It is damaged.", "error_kind": "DocumentCorrupt"}, "person",
         "The classification failed with DocumentCorrupt."),
    ],
)  # fmt: skip
def test_a_decision_says_why(result: Any, route: str, why: str) -> None:
    assert (decision(result).route, decision(result).why) == (route, why)


def test_each_category_can_have_its_own_threshold() -> None:
    thresholds = {"invoice": 0.95, "contract": "0.5"}
    assert decision(INVOICE, minimum_confidence=thresholds).route == "person"
    assert decision(INVOICE | {"classification": "contract"}, minimum_confidence=thresholds).route == "legal"
    missing = decision(INVOICE | {"classification": "letter"}, minimum_confidence=thresholds)
    assert (missing.route, missing.why) == ("person", "The category 'letter' has no threshold.")


def test_without_otherwise_a_category_without_a_route_goes_to_review() -> None:
    found = decision(INVOICE | {"classification": "letter"}, otherwise=None)
    assert (found.route, found.why) == ("person", "The category 'letter' has no route.")


@pytest.mark.parametrize("threshold", [80, -1, None, True, "high", "", float("nan"), [0.5], {"invoice": {}}, {1: 0.5}])
def test_a_wrong_threshold_is_an_error_and_no_review_of_everything(threshold: Any) -> None:
    with pytest.raises(InvalidRoutes, match="minimum_confidence"):
        decision(INVOICE, minimum_confidence=threshold)


@pytest.mark.parametrize(
    "value", ["1234-job-id", 7, [INVOICE], INVOICE | {"confidence": "0.9"}, INVOICE | {"confidence": float("nan")}]
)
def test_what_is_no_result_is_an_error(value: Any) -> None:
    with pytest.raises(InvalidResult):
        decision(value)


class TestSortByRoute:
    def lists(self, results: Any) -> dict[str, list[dict[str, Any]]]:
        return sort_by_route(
            results,
            routes={"invoice": "pay", "contract": ["legal", "archive"]},
            otherwise="archive",
            review="person",
            minimum_confidence=0.7,
        )

    def test_each_route_has_a_list_and_each_result_its_decision(self) -> None:
        contract, letter = INVOICE | {"classification": "contract"}, INVOICE | {"classification": "letter"}
        lists = self.lists(iter([letter, INVOICE, contract, None]))
        names = {name: [row.get("classification") for row in rows] for name, rows in lists.items()}
        assert names == {"pay": ["invoice"], "legal": ["contract"], "archive": ["letter", "contract"], "person": [None]}
        assert lists["pay"] == [
            INVOICE
            | {
                "decision": {
                    "category": "invoice",
                    "confidence": 0.9,
                    "route": "pay",
                    "why": "The confidence 0.9 reaches the threshold 0.7.",
                }
            }
        ]

    def test_a_route_without_results_has_an_empty_list(self) -> None:
        assert self.lists([]) == {"pay": [], "legal": [], "archive": [], "person": []}

    @pytest.mark.parametrize("results", [None, 7, "a.jsonl", INVOICE])
    def test_what_is_no_list_is_an_error(self, results: Any) -> None:
        with pytest.raises(InvalidResult, match=r"give a list of results.*operators\.sort"):
            self.lists(results)
