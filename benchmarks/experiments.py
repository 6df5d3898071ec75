"""Measure the engine on category names and documents that it does not know. Each document is read only once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from category_names import DESCRIPTIONS, PARAPHRASES
from measures import auroc, calibration_error, share

from airflow_provider_classify.engine.categories.meanings import meanings_of
from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import OpenedDocument, open_document
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

#: The number of paraphrased names with the lowest recall that are printed.
WORST_NAMES = 20


@dataclass(frozen=True)
class KeptPage:
    number: int
    kept: list[Page]

    def passes(self) -> Iterator[Page]:
        return iter(self.kept)


@dataclass(frozen=True)
class Reading:
    """A document's pages with all their passes, so that it can be classified many times."""

    kind: Format
    pages: list[KeptPage]
    is_image: bool

    def classify(self, classifier: Classifier) -> ClassificationResult:
        return classifier.classify_document(OpenedDocument(self.kind, len(self.pages), iter(self.pages), self.is_image))


def read_all(paths: Sequence[Path]) -> list[Reading | None]:
    """Read documents in several processes; return None for each that cannot be read."""
    with ProcessPoolExecutor(available_cores()) as processes:
        return list(processes.map(_read, paths, chunksize=4))


def _read(path: Path) -> Reading | None:
    try:
        with open_document(path, name=path.name, threads=1) as document:
            pages = [KeptPage(reading.number, list(reading.passes())) for reading in document.pages]
            return Reading(document.kind, pages, document.is_image)
    except ClassifyError:
        return None


def run_paraphrased(readings: Sequence[Reading | None], truths: Sequence[str], categories: Sequence[str]) -> None:
    """Print the accuracy with the category names of each user, and the names with the lowest recall."""
    print("paraphrased: accuracy (goal: 92 %), calibration error")
    shares: list[float] = []
    worst: list[tuple[float, str, str]] = []
    for user, names in PARAPHRASES.items():
        classifier = Classifier([Category(names[category]) for category in categories])
        results = [reading.classify(classifier) if reading else None for reading in readings]
        right = [bool(r) and r.classification == names[truth] for r, truth in zip(results, truths, strict=True)]
        error = calibration_error([(r.confidence, is_right) for r, is_right in zip(results, right, strict=True) if r])
        shares.append(share(right))
        print(f"  {user:<52} {shares[-1]:6.1%} {error:.3f}")
        for category, name in names.items():
            found = [is_right for is_right, truth in zip(right, truths, strict=True) if truth == category]
            worst.append((share(found), category, name))
    print(f"  {'mean':<52} {sum(shares) / len(shares):6.1%}")
    for value, category, name in sorted(worst)[:WORST_NAMES]:
        print(f"  {category:<20} {name:<44} {value:6.1%}")


def run_held_back(readings: Sequence[Reading | None], truths: Sequence[str], categories: Sequence[str]) -> None:
    knowledge = load_knowledge()
    print("held back: recall of a category whose types the engine does not know")
    right: list[bool] = []
    for held in categories:
        types = meanings_of([Category(name) for name in categories], knowledge)[categories.index(held)].types
        offered = [Category(name, DESCRIPTIONS[name] if name == held else "") for name in categories]
        classifier = Classifier(offered, knowledge=knowledge.without(types))
        answers = [
            reading.classify(classifier).classification == held if reading else False
            for reading, truth in zip(readings, truths, strict=True)
            if truth == held
        ]
        print(f"  {held:<52} {share(answers):6.1%} of {len(answers)}")
        right += answers
    print(f"  {'all':<52} {share(right):6.1%} of {len(right)} (goal: 75 %)")


def run_unknown(readings: Sequence[Reading | None], truths: Sequence[str], categories: Sequence[str]) -> None:
    """Print how well the confidence separates documents of the categories from documents whose category is left out."""
    everything = Classifier([Category(name) for name in categories])
    inside = [reading.classify(everything).confidence for reading in readings if reading]
    outside: list[float] = []
    print("unknown: documents whose category is not offered")
    for left_out in categories:
        classifier = Classifier([Category(name) for name in categories if name != left_out])
        confidences = [
            reading.classify(classifier).confidence
            for reading, truth in zip(readings, truths, strict=True)
            if reading and truth == left_out
        ]
        print(f"  {left_out:<30} AUROC {auroc(inside, confidences):.3f}")
        outside += confidences
    print(f"  {'all':<30} AUROC {auroc(inside, outside):.3f} (goal: 0.95)")
    sure_outside, sure_inside = (share(c >= 0.9 for c in confidences) for confidences in (outside, inside))
    print(f"  at a confidence >= 0.9: {sure_outside:.1%} of them, {sure_inside:.1%} of the others")
