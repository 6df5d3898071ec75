"""
Measure the accuracy of a model that was fitted on a few documents of each of a user's own types.

    python -m benchmarks.own_archive FOLDER...

Each FOLDER has ``labels.csv`` with the columns path, category and source_repo. The categories get meaningless names, so
the engine's knowledge has no types for them. They stand for types that only one user has. The model of the package is
extended with a few documents of each category, from two thirds of the sources. It is scored on the documents of the
other sources. Each figure is the mean over several random choices of documents.
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

#: The numbers of documents of each type.
COUNTS = (5, 10, 30)
#: One random choice of documents is made for each seed.
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
    held_out = [example for example in examples if example.document.is_held_out]
    rest = [example for example in examples if not example.document.is_held_out]
    print(f"{len(names)} types that the engine does not know, scored on {len(held_out)} documents of other sources")
    for count in COUNTS:
        results = [_score(trainer, _some(rest, count, seed), held_out) for seed in SEEDS]
        accuracy, error = (sum(values) / len(values) for values in zip(*results, strict=True))
        print(f"  at most {count:>2} documents of each type: {accuracy:.1%} right, calibration error {error:.3f}")


def _some(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Return at most ``count`` examples of each category, chosen at random."""
    by_category: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_category[example.document.category].append(example)
    rng = random.Random(seed)
    return [e for of in by_category.values() for e in rng.sample(of, min(count, len(of)))]


def _score(trainer: Trainer, chosen: Sequence[Example], held_out: Sequence[Example]) -> tuple[float, float]:
    """Return the accuracy and the calibration error of a model that was fitted on the chosen examples."""
    temperature = best_temperature(trainer.cross_validated(chosen), chosen)
    shares = softmax(trainer.fit(chosen).log_odds([example.whole for example in held_out]) / temperature)
    answers, labels = shares[:, :-1].argmax(1), np.array([example.whole.label for example in held_out])
    right = (answers == labels).tolist()
    confidence = shares[np.arange(len(held_out)), answers].tolist()
    return share(right), calibration_error(list(zip(confidence, right, strict=True)))


if __name__ == "__main__":
    main()
