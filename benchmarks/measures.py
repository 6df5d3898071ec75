"""Compute the figures of benchmarks from answers. All functions are pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def share(values: Iterable[bool]) -> float:
    """Return the share of true values, from 0 to 1; 0 if there are no values."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def macro_f1(pairs: Sequence[tuple[str, str | None]]) -> float:
    """Return the mean F1 of the true categories; a pair is (truth, answer)."""
    scores = []
    for category in {truth for truth, _ in pairs}:
        hits = sum(truth == answer == category for truth, answer in pairs)
        involved = sum(truth == category for truth, _ in pairs) + sum(answer == category for _, answer in pairs)
        scores.append(2 * hits / involved)
    return sum(scores) / len(scores) if scores else 0.0


def calibration_error(answers: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width; an answer is (confidence, right)."""
    error = 0.0
    for number in range(bins):
        within = [(c, right) for c, right in answers if number == min(bins - 1, int(c * bins))]
        if within:
            confidence = sum(c for c, _ in within) / len(within)
            error += len(within) / len(answers) * abs(confidence - share(right for _, right in within))
    return error


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """Return the probability that a value of ``inside`` is above a value of ``outside``. A tie counts as half."""
    wins = sum((a > b) + 0.5 * (a == b) for a in inside for b in outside)
    return wins / (len(inside) * len(outside))
