"""Fit the weights of boundaries on packets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from airflow_provider_classify.engine.confidence import is_sure
from airflow_provider_classify.engine.packets.boundaries import WEIGHTS_FILE
from airflow_provider_classify.engine.packets.features import features_of
from airflow_provider_classify.engine.packets.traits import PageTraits, traits_of
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from benchmarks.packets.joined import Packet, join
from benchmarks.packets.reading import ReadDocument

#: The number of packets to fit on, their seed, and the strength of the L2 penalty.
PACKETS, SEED, PENALTY = 1500, 1, 3.0
#: The prior weights, which features have without data. The prior weight of all other features is 0.
_PRIOR = {
    "page before is the last": 2.0, "number restarts": 2.0, "number is 1": 1.0,
    "number of the same total continues": -2.0, "page before is not the last": -1.0, "number continues": -2.0,
    "language differs": 1.0,
}  # fmt: skip
#: Features that are evidence only against a boundary. Their weights must not be positive.
_ONLY_AGAINST = (
    "types", "categories", "words", "names", "identifiers", "running lines", "language is the same",
    "size is the same", "print size is the same", "number continues", "bare number continues",
    "number of the same total continues", "page before is not the last", "begins within a sentence",
    "page before ends within a sentence", "ratio is the same, both are read by OCR",
)  # fmt: skip
#: Features that are evidence only for a boundary. Their weights must not be negative.
_ONLY_FOR = (
    "ratio differs", "size differs", "source differs", "language differs", "no words are shared",
    "no names are shared", "both are of one-page types", "both are of one-page types, no names are shared",
    "both are short, no names are shared", "each has a title, no names are shared",
    "running lines, missing", "categories differ, both are sure", "types differ, words differ", "title",
    "both have a title", "title after a page that is not full", "large print above", "top differs",
    "page before is not full", "print size differs", "margin differs", "line width differs", "prose differs",
    "amounts differ", "legibility differs", "number restarts", "bare number restarts", "number does not continue",
    "number is 1", "bare number is 1", "page before is the last", "numbers stop",
)  # fmt: skip
#: The values of features for pages with the same size and print. Joined documents come from different sources and look
#: different. Documents of a real packet often come from one printer and look the same. So each boundary is fitted a
#: second time, with these values.
_SAME_PRINTER = {
    "source differs": 0.0, "ratio differs": 0.0, "ratio differs, both are read by OCR": 0.0, "size differs": 0.0,
    "print size differs": 0.0, "print size differs, both have a text layer": 0.0, "top differs": 0.0,
    "margin differs": 0.0, "line width differs": 0.0, "legibility differs": 0.0,
}  # fmt: skip
_STEPS, _SMALLEST_STEP = 50, 1e-7


class Traits:
    """Computes the traits of the pages of documents, from the first pass with a sure answer, or from the last pass."""

    def __init__(self, categories: CategorySet) -> None:
        self._categories = categories
        self._known: dict[int, list[PageTraits]] = {}

    def of(self, document: ReadDocument) -> list[PageTraits]:
        """Return the traits of the pages that are not blank."""
        if id(document) not in self._known:
            self._known[id(document)] = [
                traits for passes in document.pages if (traits := self._of_page(passes)) is not None
            ]
        return self._known[id(document)]

    def _of_page(self, passes: Sequence[Any]) -> PageTraits | None:
        answer = None
        for page in passes:
            answer = self._categories.answer(page)
            if is_sure(self._categories.certainty(answer), lines=len(page.lines), unread=len(page.unread)):
                break
        return None if answer is None or answer.is_blank else traits_of(answer, self._categories.type_names)


def rows(packets: Sequence[Packet], traits: Traits) -> tuple[list[str], Any, Any]:
    """
    Return the data for the regression.

    :returns: the names of the features, the values of the features for each page after the first of a packet, and
        whether this page begins a document.
    """
    values, begins = [], []
    for packet in packets:
        pages = [(number, page) for number, document in enumerate(packet.documents) for page in traits.of(document)]
        for (first, before), (second, page) in pairwise(pages):
            found = features_of(before, page)
            values.append(found)
            begins.append(first != second)
            if first != second:
                values.append(_with_same_printer(found))
                begins.append(True)
    names = list(values[0])
    return names, np.array([list(row.values()) for row in values]), np.array(begins, float)


def _with_same_printer(values: dict[str, float]) -> dict[str, float]:
    ocr, text = values["both are read by OCR"], 1 - values["both are read by OCR"]
    return values | _SAME_PRINTER | {
        "size is the same": text, "print size is the same": text, "ratio is the same, both are read by OCR": ocr
    }  # fmt: skip


def fitted(names: Sequence[str], values: Any, begins: Any, penalty: float = PENALTY) -> Any:
    """Return the weights. A weight with the wrong sign becomes 0; see ``_ONLY_FOR`` and ``_ONLY_AGAINST``."""
    prior = np.array([_PRIOR.get(name, 0.0) for name in names])
    sign = np.array([1 if name in _ONLY_FOR else -1 if name in _ONLY_AGAINST else 0 for name in names])
    kept = np.ones(len(names), bool)
    while True:
        weights = np.zeros(len(names))
        weights[kept] = _regression(values[:, kept], begins, prior[kept], penalty)
        wrong = weights * sign < 0
        if not wrong.any():
            return weights
        kept &= ~wrong


def _regression(values: Any, begins: Any, prior: Any, penalty: float) -> Any:
    """Return the weights of a logistic regression with an L2 penalty around the prior, by Newton's method."""
    weights = prior.copy()
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-values @ weights))
        gradient = values.T @ (odds - begins) + penalty * (weights - prior)
        curvature = (values * (odds * (1 - odds))[:, None]).T @ values + penalty * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < _SMALLEST_STEP:
            break
    return weights


def fit(documents: Sequence[ReadDocument], categories: CategorySet) -> None:
    """Fit the weights on packets of these documents, and write them into the package."""
    packets = join(documents, PACKETS, SEED)
    names, values, begins = rows(packets, Traits(categories))
    origin = (
        f"Fitted by make bench-packets FIT=1 on {PACKETS} packets of {len(documents)} real documents (seed {SEED}, "
        f"L2 penalty {PENALTY:g})."
    )
    found = fitted(names, values, begins)
    # Each boundary was fitted twice, but each other page once. So the odds of a boundary are halved.
    found[names.index("constant")] -= np.log(2)
    weights = {name: round(float(weight), 3) for name, weight in zip(names, found, strict=True)}
    WEIGHTS_FILE.write_text(json.dumps({"origin": origin, "weights": weights}, indent=2) + "\n", encoding="utf-8")
