"""
Map the confidence of a language model to the share of right answers, measured on labelled documents.

The map is an isotonic regression, which never maps a higher confidence to a lower share: neighbouring documents are
pooled until the shares rise. It is stored as JSON, with a curve for each source of the confidence.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from airflow_provider_classify.exceptions import CalibrationNotUsable

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a curve that never falls: confidences, and the share of right answers at each of them."""

    confidences: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def fit(cls, answers: Sequence[tuple[float, bool]]) -> Self:
        """
        Fit the curve.

        A pool of documents counts as if it had one more right and one more wrong answer. So a few documents never give
        the shares 0 and 1.

        :param answers: the confidence of each answer, and whether it is right. At least one.
        """
        by_confidence: dict[float, list[float]] = {}  # right answers, answers, sum of their confidences
        for confidence, is_right in answers:
            right, count, total = by_confidence.get(confidence, (0.0, 0.0, 0.0))
            by_confidence[confidence] = [right + is_right, count + 1, total + confidence]
        pools: list[list[float]] = []
        for confidence in sorted(by_confidence):
            pools.append(by_confidence[confidence])
            while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
                last = pools.pop()
                pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
        shares: list[float] = []
        for right, count, _ in pools:
            shares.append(max([(right + 1) / (count + 2), *shares[-1:]]))
        return cls(tuple(total / count for _, count, total in pools), tuple(shares))

    def __call__(self, confidence: float) -> float:
        """Return the share of right answers at a confidence. Between two points it is interpolated."""
        after = bisect_left(self.confidences, confidence)
        if after == 0:
            return self.shares[0]
        if after == len(self.confidences):
            return self.shares[-1]
        low, high = self.confidences[after - 1], self.confidences[after]
        part = (confidence - low) / (high - low)
        return self.shares[after - 1] + part * (self.shares[after] - self.shares[after - 1])


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    The curves of a model.

    :param model: the name of the model that answered, for display.
    :param curves: the curves by the source of the confidence.
    :param documents: the number of labelled documents.
    """

    model: str
    curves: Mapping[str, Curve]
    documents: int

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as a JSON object."""
        curves = {
            source: {"confidences": list(curve.confidences), "shares": list(curve.shares)}
            for source, curve in self.curves.items()
        }
        return {"version": _VERSION, "model": self.model, "documents": self.documents, "curves": curves}

    @classmethod
    def from_json(cls, payload: Any) -> Self:
        """Parse the object of :meth:`to_json`. :raises ValueError: it is not one."""
        try:
            if payload["version"] != _VERSION:
                raise ValueError(f"version {payload['version']}")
            curves = {str(source): _curve(points) for source, points in payload["curves"].items()}
            return cls(str(payload["model"]), curves, int(payload["documents"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a calibration") from error

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a calibration. :raises CalibrationNotUsable: the file cannot be read, or is not a calibration."""
        try:
            return cls.from_json(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise CalibrationNotUsable(
                f"The calibration {str(file)!r} cannot be read ({error.strerror}); correct its path in the connection, "
                "or write it with airflow-classify calibrate."
            ) from error
        except ValueError as error:
            raise CalibrationNotUsable(
                f"The file {str(file)!r} is not a calibration; write it with airflow-classify calibrate."
            ) from error

    def save(self, file: Path) -> None:
        """Write the calibration. :raises CalibrationNotUsable: the file cannot be written."""
        try:
            file.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise CalibrationNotUsable(
                f"The calibration {str(file)!r} cannot be written ({error.strerror}); name another file."
            ) from error

    def version(self) -> str:
        """Return a short hash, which changes when confidences change."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:8]


def _curve(points: Mapping[str, Any]) -> Curve:
    confidences, shares = tuple(map(float, points["confidences"])), tuple(map(float, points["shares"]))
    for values in (confidences, shares):
        if list(values) != sorted(values) or not all(0 <= value <= 1 for value in values):
            raise ValueError("values that do not rise from 0 to 1")
    if not shares or len(confidences) != len(shares):
        raise ValueError("no points")
    return Curve(confidences, shares)
