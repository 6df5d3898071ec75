from __future__ import annotations

import json
import random
from itertools import groupby
from pathlib import Path

import pytest
from scipy.optimize import isotonic_regression

from airflow_provider_classify.exceptions import CalibrationNotUsable
from airflow_provider_classify.llm.calibration import Calibration, Curve


def answers(seed: int, count: int = 300) -> list[tuple[float, bool]]:
    """Answers of an overconfident model: it states 0.5 to 1 and is right less often."""
    chance = random.Random(seed)
    stated = [round(chance.uniform(0.5, 1.0), 2) for _ in range(count)]
    return [(confidence, chance.random() < confidence**3) for confidence in stated]


@pytest.mark.parametrize("seed", range(5))
def test_the_pools_are_those_of_an_isotonic_regression(seed: int) -> None:
    found = answers(seed)
    by_confidence = {c: [right for other, right in found if other == c] for c, _ in found}
    ordered = sorted(by_confidence)
    weights = [len(by_confidence[c]) for c in ordered]
    means = [sum(by_confidence[c]) / len(by_confidence[c]) for c in ordered]
    fitted = isotonic_regression(means, weights=weights).x
    pools = [list(group) for _, group in groupby(range(len(ordered)), key=lambda place: round(fitted[place], 9))]
    centres = [sum(ordered[i] * weights[i] for i in pool) / sum(weights[i] for i in pool) for pool in pools]
    assert Curve.fit(found).confidences == pytest.approx(centres)


@pytest.mark.parametrize("seed", range(5))
def test_a_higher_confidence_never_becomes_a_lower_one(seed: int) -> None:
    curve = Curve.fit(answers(seed))
    mapped = [curve(step / 200) for step in range(201)]
    assert mapped == sorted(mapped)
    assert 0 < mapped[0] <= mapped[-1] < 1


@pytest.mark.parametrize("seed", range(5))
def test_a_calibrated_confidence_is_nearer_to_the_share_of_right_answers(seed: int) -> None:
    curve, others = Curve.fit(answers(seed, 400)), answers(seed + 100, 400)

    def error(mapped: list[float]) -> float:
        return sum((value - right) ** 2 for value, (_, right) in zip(mapped, others, strict=True)) / len(others)

    assert error([curve(confidence) for confidence, _ in others]) < error([confidence for confidence, _ in others])


def test_a_few_answers_do_not_give_certainty() -> None:
    assert Curve.fit([(0.9, True)])(0.9) == pytest.approx(2 / 3)
    assert Curve.fit([(0.9, False)])(0.2) == pytest.approx(1 / 3)


def test_answers_with_the_same_confidence_are_one_pool() -> None:
    curve = Curve.fit([(1.0, True), (1.0, False), (1.0, True), (1.0, True)])
    assert curve.confidences == (1.0,)
    assert curve.shares == (pytest.approx(4 / 6),)


def test_between_two_points_the_share_is_interpolated() -> None:
    curve = Curve((0.2, 0.6), (0.1, 0.5))
    assert [curve(c) for c in (0.0, 0.2, 0.3, 0.6, 0.9)] == [0.1, 0.1, pytest.approx(0.2), 0.5, 0.5]


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    calibration = Calibration("openai:m", {"stated": Curve.fit(answers(1))}, 300)
    calibration.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json") == calibration
    assert Calibration.load(tmp_path / "c.json").version() == calibration.version()
    assert Calibration("openai:m", {"stated": Curve.fit(answers(2))}, 300).version() != calibration.version()


VALID = Calibration("m", {"stated": Curve((0.2, 0.6), (0.1, 0.5))}, 2).to_json()


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        json.dumps(VALID | {"version": 2}),
        json.dumps(VALID | {"curves": {"stated": {"confidences": [0.6, 0.2], "shares": [0.1, 0.5]}}}),
        json.dumps(VALID | {"curves": {"stated": {"confidences": [0.2], "shares": [0.1, 0.5]}}}),
        json.dumps(VALID | {"curves": {"stated": {"confidences": [], "shares": []}}}),
        json.dumps(VALID | {"curves": {"stated": {"confidences": [0.2], "shares": [1.5]}}}),
    ],
)
def test_another_file_is_not_a_calibration(content: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(CalibrationNotUsable, match=r"c\.json"):
        Calibration.load(tmp_path / "c.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationNotUsable, match=r"none\.json.*No such file"):
        Calibration.load(tmp_path / "none.json")
    with pytest.raises(CalibrationNotUsable, match="cannot be written"):
        Calibration("m", {}, 0).save(tmp_path / "none" / "c.json")
