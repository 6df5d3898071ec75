"""
Measure what a few documents of each of a user's own types do for the accuracy.

    python -m benchmarks.own_archive FOLDER...

Each FOLDER has ``labels.csv`` with the columns path, category and source_repo. The categories are renamed to words that
say nothing, and the knowledge cannot tell what they mean: that is how types look which only one user has. A model is
added to the one of the package with a few documents of each category from two thirds of the sources, and scored on the
documents of the other sources. Each figure is the mean of several choices of documents.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from airflow_provider_classify.engine.learned.model import load_model
from benchmarks.measures import calibration_error, share
from training.documents import OUTSIDE, labelled_documents, read_documents
from training.train import Example, Trainer, best_temperature, examples_of, softmax

COUNTS = (5, 10, 30)
SEEDS = (1, 2, 3)


def main() -> None:
    """Print the figures."""
    documents = [d for folder in sys.argv[1:] for d in labelled_documents(Path(folder)) if d.category not in OUTSIDE]
    if not documents:
        sys.exit('Name folders with labelled documents: make bench-own DOCUMENTS="folder ..."')
    names = {category: f"kind {number}" for number, category in enumerate(sorted({d.category for d in documents}), 1)}
    renamed = [replace(document, category=names[document.category]) for document in documents]
    trainer = Trainer(sorted(names.values()), load_model())
    examples = list(examples_of(renamed, read_documents(renamed), trainer.categories))
    apart = [example for example in examples if example.document.is_kept_apart]
    rest = [example for example in examples if not example.document.is_kept_apart]
    print(f"{len(names)} types that the engine does not know, scored on {len(apart)} documents of other sources")
    for count in COUNTS:
        results = [_score(trainer, _some(rest, count, seed), apart) for seed in SEEDS]
        accuracy, error = (sum(values) / len(values) for values in zip(*results, strict=True))
        print(f"  at most {count:>2} documents of each type: {accuracy:.1%} right, calibration error {error:.3f}")


def _some(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Return at most ``count`` examples of each category, chosen at random."""
    by_category: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_category[example.document.category].append(example)
    chooser = random.Random(seed)
    return [e for of in by_category.values() for e in chooser.sample(of, min(count, len(of)))]


def _score(trainer: Trainer, chosen: Sequence[Example], apart: Sequence[Example]) -> tuple[float, float]:
    """Return the accuracy and the calibration error."""
    temperature = best_temperature(trainer.cross_validated(chosen), chosen)
    shares = softmax(trainer.fit(chosen).log_odds([example.whole for example in apart]) / temperature)
    answers, labels = shares[:, :-1].argmax(1), np.array([example.whole.label for example in apart])
    right = (answers == labels).tolist()
    confidence = shares[np.arange(len(apart)), answers].tolist()
    return share(right), calibration_error(list(zip(confidence, right, strict=True)))


if __name__ == "__main__":
    main()
