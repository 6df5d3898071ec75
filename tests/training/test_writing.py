"""The arrays of a fitted model that extends another one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="training needs the extra train")

from airflow_provider_classify.engine.learned.model import NO_FAMILY, NONE, LearnedModel
from training.fitting import DENSE, Fitted, Scale
from training.writing import added_to

TYPES = ("letter", "invoice")


def base_model(*families: str) -> LearnedModel:
    """Return a model without words, whose weights are 1 for each family."""
    arrays = dict(LearnedModel.empty(TYPES).arrays)
    for part in DENSE:
        arrays[f"weights_{part}"] = np.ones((len(arrays[f"mean_{part}"]), len(families)))
    arrays |= {
        "families": list(families),
        "constant": np.ones(len(families)),
        "weights_words": np.zeros((0, len(families))),
    }
    return LearnedModel(arrays, "base")


def fitted_on(model: LearnedModel, *columns: float) -> Fitted:
    """Return a fitted model whose weights are ``columns``: one number for each category, and one for none of them."""
    parts = {
        part: len(model.arrays[name])
        for part, name in {**{part: f"mean_{part}" for part in DENSE}, "words": "words"}.items()
    }
    weights = {part: np.tile(columns, (size, 1)) for part, size in parts.items()} | {"constant": np.array(columns)}
    return Fitted(Scale.extended(model, []), 1.0, weights)


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        (["letter", NONE], {"letter": 1.0, "slip": 4.0, NONE: 6.0}),
        (["letter"], {"letter": 1.0, "slip": 3.0, NONE: 5.0}),
        ([], {"slip": 3.0, NONE: 5.0}),
    ],
    ids=["with the family of none", "without it", "empty"],
)
def test_a_sum_keeps_the_families_of_the_base_and_adds_those_that_it_lacks(
    families: list[str], expected: dict[str, float]
) -> None:
    base = base_model(*families)
    arrays = added_to(base, fitted_on(base, 3.0, 5.0), ["slip"], [base.none], 1.0)
    model = LearnedModel(arrays, "sum")
    assert base.none == (1 if NONE in families else NO_FAMILY)
    assert {name: float(model.weights[0, n]) for n, name in enumerate(model.families)} == expected
    assert {name: float(arrays["constant"][n]) for n, name in enumerate(model.families)} == expected


def test_a_category_that_the_base_has_gets_the_sum_of_both() -> None:
    base = base_model("letter", NONE)
    arrays = added_to(base, fitted_on(base, 3.0, 5.0), ["Letters"], [0], 1.0)
    assert (list(arrays["families"]), arrays["constant"].tolist()) == (["letter", NONE], [4.0, 6.0])
