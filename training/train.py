"""The steps of the training: read, measure, score the held-out documents, cross-validate, calibrate, fit on all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.confidence import TEMPERATURE
from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.learned.model import NONE, LearnedModel
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.model.categories import Category
from tests.support.written import NONE as WRITTEN_NONE
from tests.support.written import as_document, written_documents
from training.documents import OUTSIDE, Labelled, ReadDocument, labelled_documents, read_documents
from training.figures import figures
from training.fitting import PENALTIES, Fitted, Scale, fit
from training.samples import Sample, sample_of
from training.scans import read_scans
from training.writing import added_to, arrays_of, write_model

#: The number of folds of the cross-validation.
FOLDS = 5
#: The name of the folder with the documents with which the knowledge was written.
KNOWN_FOLDER = "documents"
#: How much such a document counts. It counts less, because the knowledge fits it better than other documents.
KNOWN_WEIGHT = 0.7
#: How much a document that was written for the tests counts. It counts less, because it is short and clear.
WRITTEN_WEIGHT = 0.15
#: With a base model, only one of this many written documents is used. It gets the weight of all of them.
FEW_WRITTEN = 8
#: How much a document that no category fits counts for the temperature. If the categories are complete, there are few
#: such documents.
OUTSIDE_WEIGHT = 0.25
#: The least distance of a confidence from 0 and 1 in the log loss, so that one wrong answer cannot decide alone.
_MIN_DOUBT = 0.002
#: With a base model, the L2 penalties are multiplied by this. A user's own types need larger weights, because the
#: knowledge has no points for them.
OWN_PENALTY = 0.1
#: The weights of a whole document and of its first pass, if both are samples.
WHOLE, FIRST_PASS = 0.6, 0.4
#: The weight of each single page of a document with several pages.
SINGLE_PAGE = 0.25
#: The weight of a simulated scan of a document with a text layer. Of 0.15, 0.3, 0.5 and 0.8, this one had the highest
#: accuracy in a cross-validation together with a low calibration error.
SCAN = 0.3
#: The temperatures that are tried.
_TEMPERATURES = np.geomspace(0.1, 2.5, 66)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """
    A labelled document with its samples.

    :param whole: the sample of the whole document.
    :param samples: the samples of the whole document, of its first pass if that has less text, of each page if there
        are several, and of a simulated scan.
    """

    document: Labelled
    whole: Sample
    samples: Sequence[Sample]


class Trainer:
    """
    Fits models on examples of categories.

    :param names: the names of the categories.
    :param base: the base model, to which the new categories are added; None for the knowledge alone.
    :param knowledge: the knowledge of document types; that of this package if None.
    """

    def __init__(
        self, names: Sequence[str], base: LearnedModel | None = None, *, knowledge: Knowledge | None = None
    ) -> None:
        knowledge = knowledge or load_knowledge()
        self.base = base
        self.type_names = compiled_knowledge(knowledge).type_scorer.names
        model = base or LearnedModel.empty(self.type_names)
        self.categories = CategorySet([Category(name) for name in names], knowledge, model=model)
        self.written = list(written_samples(self.categories, one_of=FEW_WRITTEN if base else 1))

    def fit(self, examples: Sequence[Example]) -> Fitted:
        """Fit a model on examples and on the documents that were written for the tests."""
        samples = [sample for example in examples for sample in example.samples]
        if self.base is None:
            return fit([*samples, *self.written])
        penalties = {part: OWN_PENALTY * value for part, value in PENALTIES.items()}
        return fit([*samples, *self.written], penalties, scale=Scale.extended(self.base, samples))

    def cross_validated(self, examples: Sequence[Example]) -> Array:
        """Return the log odds of each document. The model that gives them was fitted on other sources."""
        folds = np.array([example.document.fold(FOLDS) for example in examples])
        odds = np.zeros((len(examples), len(self.categories.names) + 1))
        for fold in sorted(set(folds.tolist())):
            inside = [example for example, number in zip(examples, folds, strict=True) if number != fold]
            outside = np.flatnonzero(folds == fold)
            odds[outside] = self.fit(inside).log_odds([examples[n].whole for n in outside])
        return odds

    def arrays(self, fitted: Fitted, temperature: float) -> dict[str, Any]:
        """Return the arrays for a model's file."""
        names = self.categories.names
        if self.base:
            base = [scorer.family for scorer in self.categories.scorers]
            return added_to(self.base, fitted, names, base, temperature)
        families = [family_of(number, self.categories) for number in range(len(self.type_names))]
        return arrays_of(fitted, [*names, NONE], self.type_names, families, temperature)


def train(folders: Sequence[Path], target: Path, base: LearnedModel | None = None) -> dict[str, Any]:
    """
    Fit a model on the documents of folders, write it to ``target``, and return its figures.

    :param base: the base model, to which the new categories are added; None for the knowledge alone.
    """
    documents = [document for folder in folders for document in labelled_documents(folder)]
    trainer = Trainer(sorted({document.category for document in documents} - OUTSIDE), base)
    # A base model was fitted with scans.
    scans = read_scans(documents) if base is None else None
    examples = list(examples_of(documents, read_documents(documents), trainer.categories, scans))
    held_out = [example for example in examples if example.document.is_held_out]
    rest = [example for example in examples if not example.document.is_held_out]
    temperature = best_temperature(trainer.cross_validated(rest), rest)
    before = np.array([example.whole.points for example in held_out]) / (base.temperature if base else TEMPERATURE)
    after = trainer.fit(rest).log_odds([e.whole for e in held_out]) / temperature
    metrics: dict[str, Any] = {
        "held_out": figures_of(held_out, after),
        "held_out_without_model": figures_of(held_out, before),
    }
    unread = [number for number, example in enumerate(held_out) if example.document.set != KNOWN_FOLDER]
    if base is None and unread:
        metrics["held_out_unread"] = figures_of([held_out[number] for number in unread], after[unread])
    odds = trainer.cross_validated(examples)
    temperature = best_temperature(odds, examples)
    final = trainer.fit(examples)
    metrics |= {
        "cross_validated": figures_of(examples, odds / temperature),
        "fitted": figures_of(examples, final.log_odds([e.whole for e in examples]) / temperature),
        "temperature": round(temperature / final.factor, 4),
        "words": len(final.scale.words),
    }
    write_model(trainer.arrays(final, temperature), target)
    return metrics


def family_of(type_number: int, categories: CategorySet) -> int:
    """Return the number of the category for which a type counts most; -1 if it counts for no category."""
    claims = [scorer.claims.get(type_number, 0.0) for scorer in categories.scorers]
    best = max(range(len(claims)), key=claims.__getitem__)
    return best if claims[best] > 0 else -1


def best_temperature(odds: Array, examples: Sequence[Example]) -> float:
    """Return the temperature with the least log loss of the confidences."""
    labels, none = np.array([example.whole.label for example in examples]), odds.shape[1] - 1
    weights = np.where(labels == none, OUTSIDE_WEIGHT, 1.0)

    def loss(temperature: float) -> float:
        shares = softmax(odds / temperature)[:, :none]
        confidence = np.clip(shares.max(1), _MIN_DOUBT, 1 - _MIN_DOUBT)
        is_right = shares.argmax(1) == labels
        return float((weights * -np.log(np.where(is_right, confidence, 1 - confidence))).sum())

    return float(min(_TEMPERATURES, key=loss))


def softmax(odds: Array) -> Array:
    """Return the probabilities of log odds."""
    powers: Array = np.exp(odds - odds.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def examples_of(
    documents: Sequence[Labelled],
    read: Sequence[ReadDocument | None],
    categories: CategorySet,
    scans: Sequence[ReadDocument | None] | None = None,
) -> Iterator[Example]:
    """
    Yield the examples of the documents that can be read and are not blank.

    :param scans: a simulated scan of each document, or None.
    """
    for document, pages, scan in zip(documents, read, scans or [None] * len(documents), strict=True):
        if pages is None:
            continue
        label = len(categories.names) if document.category in OUTSIDE else categories.names.index(document.category)
        weight = KNOWN_WEIGHT if document.set == KNOWN_FOLDER else 1.0
        stages = [[passes[-1] for passes in pages.pages if passes]]
        if any(len(passes) > 1 for passes in pages.pages):
            stages.append([passes[0] for passes in pages.pages if passes])
        shares = [1.0] if len(stages) == 1 else [WHOLE, FIRST_PASS]
        samples = [
            sample_of(stage, pages.origin, categories, label, document.source, weight=weight * share)
            for stage, share in zip(stages, shares, strict=True)
        ]
        if len(stages[0]) > 1:
            samples += [
                sample_of([page], pages.origin, categories, label, document.source, weight=weight * SINGLE_PAGE)
                for page in stages[0]
            ]
        if scan is not None:
            samples.append(_sample_of_scan(scan, categories, label, document.source, weight * SCAN))
        if samples[0] is not None:
            yield Example(document, samples[0], [sample for sample in samples if sample is not None])


def _sample_of_scan(
    scan: ReadDocument, categories: CategorySet, label: int, source: str, weight: float
) -> Sample | None:
    """Return the sample of a simulated scan, without its origin: the file that the simulation wrote is no evidence."""
    pages = [passes[-1] for passes in scan.pages if passes]
    sample = sample_of(pages, scan.origin, categories, label, source, weight=weight)
    return None if sample is None else _with_parts(sample, set(sample.pages[0].measures) - {"origin"})


def _with_parts(sample: Sample, parts: Collection[str]) -> Sample:
    """Return a sample with these parts of its measures only."""
    pages = [
        replace(page, measures={part: values for part, values in page.measures.items() if part in parts})
        for page in sample.pages
    ]
    return replace(sample, pages=pages)


def written_samples(categories: CategorySet, *, one_of: int = 1) -> Iterator[Sample]:
    """
    Yield the samples of the documents that were written for the tests.

    If no category means the type of a document, its label is "none of them". These documents have no real layout,
    origin or look, so the samples lack these parts.

    :param one_of: use one of this many documents, with the weight of all of them.
    """
    documents = list(written_documents())[::one_of]
    labels = _labels_of_written(sorted({document.category for document in documents}), categories)
    for document in documents:
        read = [next(reading.passes()) for reading in as_document(document).pages]
        label = labels[document.category]
        sample = sample_of(read, Origin(), categories, label, "tests", weight=WRITTEN_WEIGHT * one_of, is_real=False)
        if sample is not None:
            yield _with_parts(sample, ("scores", "text", "familiar"))


def _labels_of_written(names: Sequence[str], categories: CategorySet) -> dict[str, int]:
    common = CategorySet(
        [Category(name) for name in names if name != WRITTEN_NONE],
        load_knowledge(),
        model=LearnedModel.empty(categories.type_names),
    )
    none = len(categories.names)
    labels = {WRITTEN_NONE: none}
    for scorer in common.scorers:
        main = max(scorer.claims, key=scorer.claims.__getitem__)
        number = categories.category_that_means(categories.type_names[main])
        labels[scorer.name] = none if number is None else number
    return labels


def figures_of(examples: Sequence[Example], odds: Array) -> dict[str, Any]:
    """Return the figures of examples. ``odds`` are their log odds, divided by the temperature."""
    return figures(
        [example.document for example in examples], [example.whole.label for example in examples], softmax(odds)
    )
