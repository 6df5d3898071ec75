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
PACKETS, SEED, PENALTY = 1500, 1, 1.0
_STEPS, _SMALLEST_STEP = 50, 1e-7


class Traits:
    """The traits of documents' pages, each read until its answer is sure."""

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
            if is_sure(self._categories.sureness(answer), lines=len(page.lines), unread=len(page.unread)):
                break
        return None if answer is None or answer.is_blank else traits_of(answer)


def rows(packets: Sequence[Packet], traits: Traits) -> tuple[list[str], Any, Any]:
    """Return the names of the features, their values for each page after the first, and whether it is a boundary."""
    values, begins = [], []
    for packet in packets:
        pages = [(number, page) for number, document in enumerate(packet.documents) for page in traits.of(document)]
        for (first, before), (second, page) in pairwise(pages):
            values.append(features_of(before, page))
            begins.append(first != second)
    names = list(values[0])
    return names, np.array([list(row.values()) for row in values]), np.array(begins, float)


def fitted(values: Any, begins: Any, penalty: float = PENALTY) -> Any:
    """Return the weights of a logistic regression with an L2 penalty, by Newton's method."""
    weights = np.zeros(values.shape[1])
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-values @ weights))
        gradient = values.T @ (odds - begins) + penalty * weights
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
    weights = {name: round(float(weight), 3) for name, weight in zip(names, fitted(values, begins), strict=True)}
    WEIGHTS_FILE.write_text(json.dumps({"origin": origin, "weights": weights}, indent=2) + "\n", encoding="utf-8")
