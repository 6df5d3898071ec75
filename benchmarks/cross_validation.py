"""
Classify each source's documents with constants that were fitted on the other sources.

The constants turn points into a confidence: the temperature and the points of "none of the categories". For each
source, those with the least log loss on all other sources are used. The knowledge of document types is the same for
all: it was written with the labelled documents in view, and cross-validation cannot change that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from unittest.mock import patch

from experiments import Reading

from airflow_provider_classify.engine import confidence as engine_confidence
from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.model.categories import Category

TEMPERATURES = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
UNKNOWN = (0.5, 1.0, 1.5, 2.0)
#: The log loss limits a confidence to this distance from 0 and 1, so that one wrong answer cannot decide alone.
LEAST_DOUBT = 0.002

Constants = tuple[float, float]
#: The category and the confidence of each answer.
Answers = list[tuple[str | None, float]]


def cross_validated(
    readings: Sequence[Reading | None], truths: Sequence[str], sources: Sequence[str], categories: Sequence[str]
) -> tuple[Answers, list[Constants]]:
    """Return each document's answer with the constants fitted on other sources, and these constants."""
    grid = list(product(TEMPERATURES, UNKNOWN))
    with ProcessPoolExecutor(available_cores()) as processes:
        by_constants = list(processes.map(partial(_answers, readings, categories), grid))
    losses = [
        [log_loss(given == truth, confidence) for (given, confidence), truth in zip(answers, truths, strict=True)]
        for answers in by_constants
    ]
    fitted = {source: best_without(source, losses, sources) for source in set(sources)}
    return (
        [by_constants[fitted[source]][number] for number, source in enumerate(sources)],
        [grid[fitted[source]] for source in sources],
    )


def _answers(readings: Sequence[Reading | None], categories: Sequence[str], constants: Constants) -> Answers:
    temperature, unknown = constants
    with patch.multiple(engine_confidence, TEMPERATURE=temperature, POINTS_OF_NONE=unknown):
        classifier = Classifier([Category(name) for name in categories])
        results = [reading.classify(classifier) if reading else None for reading in readings]
    return [(result.classification, result.confidence) if result else (None, 0.0) for result in results]


def log_loss(is_right: bool, confidence: float) -> float:
    """Return the log loss of an answer: about 0 if it is right and sure."""
    probability = min(1 - LEAST_DOUBT, max(LEAST_DOUBT, confidence))
    return -math.log(probability if is_right else 1 - probability)


def best_without(source: str, losses: Sequence[Sequence[float]], sources: Sequence[str]) -> int:
    """Return the number of the row of ``losses`` with the least sum on the documents of all other sources."""
    sums = [sum(loss for loss, other in zip(row, sources, strict=True) if other != source) for row in losses]
    return sums.index(min(sums))
