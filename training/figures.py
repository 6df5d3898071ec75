"""Compute the figures of a model for ``metrics.json``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.documents import Labelled

#: The least confidences of the answers that ``sure`` and ``of_no_category_likely`` count.
SURE, LIKELY = 0.9, 0.6
#: The number of bins of the calibration error.
_BINS = 10


def figures(documents: Sequence[Labelled], labels: Sequence[int], shares: NDArray[np.float64]) -> dict[str, Any]:
    """
    Return the figures.

    :param labels: the index of each document's category. "None of them" has the index after the last category.
    :param shares: the probability of each category and of "none of them", one row for each document.
    """
    truth, count = np.array(labels), shares.shape[1] - 1
    answer = shares[:, :count].argmax(1)
    confidence = shares[np.arange(len(shares)), answer]
    inside = truth < count
    right = answer == truth
    sure = inside & (confidence >= SURE)
    found: dict[str, Any] = {
        "documents": int(inside.sum()),
        "sources": len({document.source for document, is_inside in zip(documents, inside, strict=True) if is_inside}),
        "accuracy": _share(right, inside),
        "macro_f1": _macro_f1(truth[inside], answer[inside]),
        "calibration_error": _calibration_error(confidence[inside], right[inside]),
        "sure_right": _share(right, sure),
        "sure": _share(sure, inside),
    }
    if (~inside).any():
        found |= {
            "of_no_category": int((~inside).sum()),
            "auroc": _auroc(confidence[inside], confidence[~inside]),
            "of_no_category_likely": _share(confidence >= LIKELY, ~inside),
        }

    def grouped(key: Callable[[Labelled], str]) -> dict[str, Any]:
        names = np.array([key(document) for document in documents])
        of = {str(name): inside & (names == name) for name in sorted(set(names[inside]))}
        return {name: {"documents": int(mask.sum()), "accuracy": _share(right, mask)} for name, mask in of.items()}

    return found | {
        "by_kind": grouped(lambda document: document.kind),
        "by_language": grouped(lambda document: "English" if document.language == "en" else "other languages"),
        "by_set": grouped(lambda document: document.set),
        "by_category": grouped(lambda document: document.category),
    }


def _share(values: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return round(float(values[among].mean()), 4) if among.any() else 0.0


def _macro_f1(truth: NDArray[np.int_], answer: NDArray[np.int_]) -> float:
    scores = [
        2 * ((truth == label) & (answer == label)).sum() / ((truth == label).sum() + (answer == label).sum())
        for label in sorted(set(truth.tolist()))
    ]
    return round(float(np.mean(scores)), 4) if scores else 0.0


def _calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    bins = np.minimum(_BINS - 1, (confidence * _BINS).astype(int))
    parts = [bins == number for number in range(_BINS)]
    return round(
        float(sum(abs(confidence[part].sum() - right[part].sum()) for part in parts) / max(1, len(confidence))), 4
    )


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
    return round(float(wins), 4)
