"""The probabilities of the categories, from the scores and the confidence of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_classify.model.scores import probabilities_of

SCORES = {"invoice": 0.8, "letter": 0.2}


@pytest.mark.parametrize(
    ("answer", "categories", "none"),
    [
        ({"classification": "invoice", "confidence": 0.4, "scores": SCORES}, {"invoice": 0.4, "letter": 0.1}, 0.5),
        ({"classification": "invoice", "confidence": 0.8, "scores": SCORES}, SCORES, 0.0),
        # A person's answer has the confidence 1, and keeps the scores of the classifier.
        ({"classification": "letter", "confidence": 1.0, "scores": SCORES}, SCORES, 0.0),
        ({"classification": "invoice", "confidence": 0.4}, {"invoice": 0.4}, 0.0),
        ({"classification": "invoice", "confidence": 0.4, "scores": {"invoice": 0.0}}, {"invoice": 0.4}, 0.0),
        ({"classification": "invoice", "confidence": 0.4, "none_of_these": True}, {"invoice": 0.4}, 0.6),
        (
            {"classification": "a", "confidence": 1.0, "none_of_these": True, "reviewed_by": "Mira"},
            {"a": 1.0},
            0.0,
        ),
        ({"classification": None, "confidence": 0.0, "scores": SCORES}, {}, 0.0),
        ({"classification": "invoice", "confidence": "high", "scores": SCORES}, {}, 0.0),
    ],
)
def test_the_probabilities_add_up(answer: dict[str, Any], categories: dict[str, float], none: float) -> None:
    found = probabilities_of(answer)
    assert found.categories == pytest.approx(categories)
    assert found.none == pytest.approx(none)


def test_none_is_the_answer_from_one_half_on() -> None:
    answer = {"classification": "invoice", "scores": {"invoice": 1.0}}
    assert probabilities_of(answer | {"confidence": 0.5}).is_probably_none
    assert not probabilities_of(answer | {"confidence": 0.51}).is_probably_none
