"""
Fit the model: a logistic regression whose prior is the knowledge.

The log odds of a category have two terms: its points by the knowledge times a factor, and the sum of the measures times
its weights. The factor and the weights are fitted together. An L2 penalty keeps the weights near 0. So without data,
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
#: The L2 penalty of the weights of each part. These values had the best figures in a cross-validation.
PENALTIES: Mapping[str, float] = {
    "scores": 100.0,
    "text": 25.0,
    "layout": 35.0,
    "familiar": 20.0,
    "origin": 60.0,
    "look": 120.0,
    "words": 0.7,
    "constant": 3.0,
}
#: The parts that consist of numbers, not of words.
DENSE = ("scores", *PARTS)
#: The least standard deviation by which a measure is divided, so that a measure that is nearly always the same does not
#: count much. Most measures of the origin are 0 or 1, so theirs is higher.
_MIN_DEVIATION, _MIN_DEVIATION_OF_ORIGIN = 0.05, 0.2
#: The first value of the factor, and the most iterations of the optimisation.
_START_FACTOR, _MAX_ITERATIONS = 1.6, 150


@dataclass(frozen=True)
class Scale:
    """The means and standard deviations of the measures, and the words of the model with their rarity."""

    means: Mapping[str, Array]
    deviations: Mapping[str, Array]
    words: Sequence[str]
    rarity: NDArray[np.float32]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Scale:
        """Compute the scale of samples."""
        means, deviations = {}, {}
        for part in DENSE:
            values = np.array([p.measures[part] for s in samples for p in s.pages if part in p.measures], np.float64)
            least = _MIN_DEVIATION_OF_ORIGIN if part == "origin" else _MIN_DEVIATION
            means[part], deviations[part] = values.mean(0), np.maximum(values.std(0), least)
        return cls(means, deviations, *choose_words(samples))

    @classmethod
    def extended(cls, model: LearnedModel, samples: Sequence[Sample]) -> Scale:
        """Return the scale of a model, with the words of the samples added."""
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
        """Return for each sample the standardised measures of a part, summed over its pages; 0 without this part."""
        result = np.zeros((len(samples), len(self.means[part])))
        for number, sample in enumerate(samples):
            for page in sample.pages:
                if part in page.measures:
                    standard = np.clip((page.measures[part] - self.means[part]) / self.deviations[part], -CLIP, CLIP)
                    result[number] += standard * page.weight * (1.0 if part == "look" else page.amount)
        return result

    def constant(self, samples: Sequence[Sample]) -> Array:
        """Return how much the constant counts for each sample."""
        return np.array([[sum(page.weight * page.amount for page in sample.pages)] for sample in samples])

    def sparse_words(self, samples: Sequence[Sample]) -> sparse.csr_matrix:
        """Return the values of the words for each sample."""
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

    :param factor: points times this factor are log odds.
    :param weights: the weights of each part, as log odds.
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


def fit(samples: Sequence[Sample], penalties: Mapping[str, float] = PENALTIES, *, scale: Scale | None = None) -> Fitted:
    """
    Fit a model. The same samples give the same model.

    :param penalties: the L2 penalty of each part.
    :param scale: the scale of the measures; computed from the real samples if None.
    """
    scale = scale or Scale.of([sample for sample in samples if sample.is_real])
    points = np.array([sample.points for sample in samples])
    labels = np.array([sample.label for sample in samples])
    weights = np.array([sample.weight for sample in samples])
    # Each column is divided by the square root of its penalty. So all columns have the same L2 penalty, and fewer
    # iterations are needed.
    parts = {part: scale.dense(samples, part) / np.sqrt(penalties[part]) for part in DENSE}
    parts["constant"] = scale.constant(samples) / np.sqrt(penalties["constant"])
    dense = np.hstack(list(parts.values())).astype(np.float32)
    words = (scale.sparse_words(samples) / np.sqrt(penalties["words"])).astype(np.float32).tocsr()
    words_turned = words.T.tocsr()
    size, count = dense.shape[1], points.shape[1]
    is_label = np.eye(count)[labels]

    def loss(values: Array) -> tuple[float, Array]:
        factor, scaled = np.exp(values[0]), values[1:].reshape(-1, count)
        single = scaled.astype(np.float32)
        odds = factor * points + dense @ single[:size] + words @ single[size:]
        odds -= odds.max(1, keepdims=True)
        powers = np.exp(odds)
        sums = powers.sum(1, keepdims=True)
        log_loss = (weights * (np.log(sums[:, 0]) - (odds * is_label).sum(1))).sum()
        error = (powers / sums - is_label) * weights[:, None]
        single = error.astype(np.float32)
        slope = np.vstack([dense.T @ single, words_turned @ single]) + scaled
        return log_loss + 0.5 * (scaled**2).sum(), np.concatenate([[factor * (error * points).sum()], slope.ravel()])

    start = np.zeros(1 + (size + len(scale.words)) * count)
    start[0] = np.log(_START_FACTOR)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MAX_ITERATIONS, "maxcor": 10}).x
    scaled, result, begin = found[1:].reshape(-1, count), {}, 0
    for part, values in parts.items():
        end = begin + values.shape[1]
        result[part] = scaled[begin:end] / np.sqrt(penalties[part])
        begin = end
    result["constant"] = result["constant"][0]
    result["words"] = scaled[size:] / np.sqrt(penalties["words"])
    return Fitted(scale, float(np.exp(found[0])), result)
