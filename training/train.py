"""The steps of the training: read, measure, score what is kept apart, cross-validate, calibrate, fit on everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.learned.model import NONE, LearnedModel
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled
from airflow_provider_classify.model.categories import Category
from tests.support.written import NONE as WRITTEN_NONE
from tests.support.written import as_document, written_documents
from training.documents import OUTSIDE, Labelled, ReadDocument, labelled_documents, read_documents
from training.figures import figures
from training.fitting import fit
from training.samples import Sample, sample_of
from training.writing import arrays_of, write_model

FOLDS = 5
#: How much a document counts with which the knowledge was written, which knows it too well; and one that was written
#: for the tests, which is short and clear.
SEEN_WEIGHT, WRITTEN_WEIGHT = 0.7, 0.15
#: The folder of the documents that the knowledge was written with.
SEEN = "documents"
#: How much the whole of a document counts whose first reading is a sample too, and that reading.
WHOLE, FIRST_READING = 0.6, 0.4
_TEMPERATURES = np.arange(0.7, 2.01, 0.05)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A labelled document with its samples: the whole of it, and what was read of it first if that is less."""

    document: Labelled
    whole: Sample
    samples: Sequence[Sample]


def train(folders: Sequence[Path], target: Path) -> dict[str, Any]:
    """Fit a model on the documents of folders, write it to ``target``, and return its figures."""
    documents = [document for folder in folders for document in labelled_documents(folder)]
    names = sorted({document.category for document in documents} - OUTSIDE)
    knowledge = load_knowledge()
    type_names = compiled(knowledge).type_scorer.names
    categories = CategorySet([Category(name) for name in names], knowledge, model=LearnedModel.empty(type_names))
    examples = list(_examples(documents, read_documents(documents), categories))
    written = list(_written(categories))

    apart = [example for example in examples if example.document.is_kept_apart]
    rest = [example for example in examples if not example.document.is_kept_apart]
    fitted = fit([*_samples(rest), *written])
    odds_of_rest = _cross_validated(rest, written)
    temperature = best_temperature(odds_of_rest, _labels(rest))
    metrics: dict[str, Any] = {
        "knowledge_kept_apart": _figures(apart, np.array([e.whole.points for e in apart]) / 0.38),
        "kept_apart": _figures(apart, fitted.log_odds([e.whole for e in apart]) / temperature),
    }
    odds = _cross_validated(examples, written)
    temperature = best_temperature(odds, _labels(examples))
    final = fit([*_samples(examples), *written])
    metrics |= {
        "cross_validated": _figures(examples, odds / temperature),
        "fitted": _figures(examples, final.log_odds([e.whole for e in examples]) / temperature),
        "temperature": round(temperature / final.factor, 4),
        "words": len(final.scale.words),
    }
    families = [family_of(name, categories) for name in type_names]
    write_model(arrays_of(final, [*names, NONE], type_names, families, temperature), target)
    return metrics


def family_of(type_name: str, categories: CategorySet) -> int:
    """Return the number of the category that a type counts for most; -1 if it counts for none."""
    number = categories.type_names.index(type_name)
    claims = [scorer.claims.get(number, 0.0) for scorer in categories.scorers]
    best = max(range(len(claims)), key=claims.__getitem__)
    return best if claims[best] > 0 else -1


def best_temperature(odds: Array, labels: Sequence[int]) -> float:
    """Return the temperature with the least log loss."""
    rows = np.arange(len(labels))
    losses = [-np.log(np.maximum(softmax(odds / t)[rows, labels], 1e-4)).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def softmax(odds: Array) -> Array:
    """Return the probabilities of log odds."""
    powers = np.exp(odds - odds.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _examples(
    documents: Sequence[Labelled], read: Sequence[ReadDocument | None], categories: CategorySet
) -> Iterator[Example]:
    for document, pages in zip(documents, read, strict=True):
        if pages is None:
            continue
        label = len(categories.names) if document.category in OUTSIDE else categories.names.index(document.category)
        weight = SEEN_WEIGHT if document.set == SEEN else 1.0
        stages = [[passes[-1] for passes in pages.pages if passes]]
        if any(len(passes) > 1 for passes in pages.pages):
            stages.append([passes[0] for passes in pages.pages if passes])
        shares = [1.0] if len(stages) == 1 else [WHOLE, FIRST_READING]
        samples = [
            sample_of(stage, pages.origin, categories, label, document.source, weight=weight * share)
            for stage, share in zip(stages, shares, strict=True)
        ]
        if samples[0] is not None:
            yield Example(document, samples[0], [sample for sample in samples if sample is not None])


def _written(categories: CategorySet) -> Iterator[Sample]:
    """Yield the documents that were written for the tests, of the categories that there are."""
    for written in written_documents():
        is_none = written.category == WRITTEN_NONE
        if not is_none and written.category not in categories.names:
            continue
        label = len(categories.names) if is_none else categories.names.index(written.category)
        pages = [next(reading.passes()) for reading in as_document(written).pages]
        sample = sample_of(pages, Origin(), categories, label, "tests", weight=WRITTEN_WEIGHT, is_real=False)
        if sample is not None:
            # They have only words in their order; how they would be printed is not known.
            yield Sample(
                sample.label,
                sample.source,
                sample.points,
                {part: sample.measures[part] for part in ("scores", "text")},
                sample.words,
                sample.weight,
                is_real=False,
            )


def _cross_validated(examples: Sequence[Example], written: Sequence[Sample]) -> Array:
    """Return the log odds of each document by a model that was fitted on other sources."""
    folds = np.array([example.document.fold(FOLDS) for example in examples])
    odds: Array | None = None
    for fold in sorted(set(folds.tolist())):
        inside = [example for example, number in zip(examples, folds, strict=True) if number != fold]
        outside = np.flatnonzero(folds == fold)
        found = fit([*_samples(inside), *written]).log_odds([examples[n].whole for n in outside])
        if odds is None:
            odds = np.zeros((len(examples), found.shape[1]))
        odds[outside] = found
    assert odds is not None
    return odds


def _samples(examples: Sequence[Example]) -> list[Sample]:
    return [sample for example in examples for sample in example.samples]


def _labels(examples: Sequence[Example]) -> list[int]:
    return [example.whole.label for example in examples]


def _figures(examples: Sequence[Example], odds: Array) -> dict[str, Any]:
    return figures([example.document for example in examples], _labels(examples), softmax(odds))
