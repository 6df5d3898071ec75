"""
Fit the model: a logistic regression whose prior is the knowledge.

The log odds of a category are its points by the knowledge times a factor, and the sum of its weights times the
measures. The factor and the weights are fitted together. The weights are held near 0 (L2), so that without data
the knowledge alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from airflow_provider_classify.engine.learned.model import CLIP, PARTS, LearnedModel, word_values
from training.samples import Sample
from training.vocabulary import choose_words

Array = NDArray[np.float64]
#: How strongly the weights of each part are held near 0: those with the best figures in a cross-validation.
HOLD: Mapping[str, float] = {
    "scores": 100.0,
    "text": 25.0,
    "layout": 35.0,
    "origin": 60.0,
    "look": 120.0,
    "words": 0.7,
    "constant": 3.0,
}
#: The parts that consist of numbers, not of words.
DENSE = ("scores", *PARTS)
#: The least deviation by which a measure is divided, so that a rare one does not weigh much. Those of the origin are 0
#: or 1.
_LEAST_DEVIATION, _LEAST_DEVIATION_OF_ORIGIN = 0.05, 0.2
_FACTOR, _ITERATIONS = 1.6, 150


@dataclass(frozen=True)
class Scale:
    """How measures are standardised, and which words count."""

    means: Mapping[str, Array]
    deviations: Mapping[str, Array]
    words: Sequence[str]
    rarity: NDArray[np.float32]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Scale:
        """Return the scale of samples."""
        means, deviations = {}, {}
        for part in DENSE:
            values = np.array([p.measures[part] for s in samples for p in s.pages if part in p.measures], np.float64)
            least = _LEAST_DEVIATION_OF_ORIGIN if part == "origin" else _LEAST_DEVIATION
            means[part], deviations[part] = values.mean(0), np.maximum(values.std(0), least)
        return cls(means, deviations, *choose_words(samples))

    @classmethod
    def extended(cls, model: LearnedModel, samples: Sequence[Sample]) -> Scale:
        """Return the scale of a model, with further words that the samples have."""
        known = [str(word) for word in model.arrays["words"]]
        words, rarity = choose_words(samples, any_word=True)
        new = [number for number, word in enumerate(words) if word not in set(known)]
        return cls(
            {part: model.arrays[f"mean_{part}"].astype(np.float64) for part in DENSE},
            {part: model.arrays[f"scale_{part}"].astype(np.float64) for part in DENSE},
            [*known, *(words[number] for number in new)],
            np.concatenate([model.arrays["rarity"].astype(np.float32), rarity[new]]),
        )

    def dense(self, samples: Sequence[Sample], part: str) -> Array:
        """Return the standardised measures of a part; 0 for a sample that lacks it."""
        result = np.zeros((len(samples), len(self.means[part])))
        for number, sample in enumerate(samples):
            for page in sample.pages:
                if part in page.measures:
                    standard = np.clip((page.measures[part] - self.means[part]) / self.deviations[part], -CLIP, CLIP)
                    result[number] += standard * page.weight * (1.0 if part == "look" else page.amount)
        return result

    def constant(self, samples: Sequence[Sample]) -> Array:
        """Return how much the constant counts."""
        return np.array([[sum(page.weight * page.amount for page in sample.pages)] for sample in samples])

    def sparse_words(self, samples: Sequence[Sample]) -> sparse.csr_matrix:
        """Return the values of the words."""
        numbers = {word: number for number, word in enumerate(self.words)}
        rows, columns, values = [], [], []
        for row, sample in enumerate(samples):
            for page in sample.pages:
                which, found = word_values(page.words, numbers, self.rarity)
                rows += [row] * len(which)
                columns += which
                values += (found * page.weight * page.amount).tolist()
        return sparse.csr_matrix((values, (rows, columns)), shape=(len(samples), len(self.words)))


@dataclass(frozen=True)
class Fitted:
    """
    A fitted model.

    :param factor: what the points are multiplied by to become log odds.
    :param weights: the weights by part, as log odds.
    """

    scale: Scale
    factor: float
    weights: Mapping[str, Array]

    def log_odds(self, samples: Sequence[Sample]) -> Array:
        """Return the log odds of each category, and of "none of them"."""
        points = np.array([sample.points for sample in samples])
        odds = self.factor * points + self.scale.constant(samples) * self.weights["constant"]
        for part in DENSE:
            odds = odds + self.scale.dense(samples, part) @ self.weights[part]
        return odds + self.scale.sparse_words(samples) @ self.weights["words"]


def fit(samples: Sequence[Sample], hold: Mapping[str, float] = HOLD, *, scale: Scale | None = None) -> Fitted:
    """
    Fit a model. The same samples give the same model.

    :param scale: how to standardise; by the real samples themselves if None.
    """
    scale = scale or Scale.of([sample for sample in samples if sample.is_real])
    points = np.array([sample.points for sample in samples])
    labels = np.array([sample.label for sample in samples])
    weights = np.array([sample.weight for sample in samples])
    # Columns are divided by the root of the hold, so that one L2 weight holds for all, and few iterations are needed.
    parts = {part: scale.dense(samples, part) / np.sqrt(hold[part]) for part in DENSE}
    parts["constant"] = scale.constant(samples) / np.sqrt(hold["constant"])
    dense = np.hstack(list(parts.values())).astype(np.float32)
    words = (scale.sparse_words(samples) / np.sqrt(hold["words"])).astype(np.float32).tocsr()
    words_turned = words.T.tocsr()
    size, count = dense.shape[1], points.shape[1]
    is_label = np.eye(count)[labels]

    def loss(values: Array) -> tuple[float, Array]:
        factor, held = np.exp(values[0]), values[1:].reshape(-1, count)
        single = held.astype(np.float32)
        odds = factor * points + dense @ single[:size] + words @ single[size:]
        odds -= odds.max(1, keepdims=True)
        powers = np.exp(odds)
        sums = powers.sum(1, keepdims=True)
        log_loss = (weights * (np.log(sums[:, 0]) - (odds * is_label).sum(1))).sum()
        error = (powers / sums - is_label) * weights[:, None]
        single = error.astype(np.float32)
        slope = np.vstack([dense.T @ single, words_turned @ single]) + held
        return log_loss + 0.5 * (held**2).sum(), np.concatenate([[factor * (error * points).sum()], slope.ravel()])

    start = np.zeros(1 + (size + len(scale.words)) * count)
    start[0] = np.log(_FACTOR)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "maxcor": 10}).x
    held, result, begin = found[1:].reshape(-1, count), {}, 0
    for part, values in parts.items():
        end = begin + values.shape[1]
        result[part] = held[begin:end] / np.sqrt(hold[part])
        begin = end
    result["constant"] = result["constant"][0]
    result["words"] = held[size:] / np.sqrt(hold["words"])
    return Fitted(scale, float(np.exp(found[0])), result)
