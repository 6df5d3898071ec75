"""
Measure the effect of examples on the engine's accuracy.

    python benchmarks/examples.py FOLDER

FOLDER has ``labels.csv`` with the columns path, category and source_repo; the environment variable DOCUMENTS can name
it instead. The sources are divided into parts. The documents of each part are classified with examples from the other
parts, so that a document and its examples never come from one source. A category that only one part has gets no
examples there. Everything is repeated with other random choices.

In the first table, all categories have examples. In the second table, each category in turn is unknown to the engine,
and only this category has examples. This table shows the share of the category's documents that are found, and the
accuracy on all other documents.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments import Reading, read_all
from measures import calibration_error, share

from airflow_provider_classify.engine.categories.meanings import meanings_of
from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.model.categories import Category

COUNTS = (0, 1, 3, 5)
SEEDS = (1, 2, 3)
PARTS = 4


@dataclass(frozen=True)
class Labelled:
    path: str
    category: str
    source: str
    reading: Reading


@dataclass(frozen=True)
class Answer:
    truth: str
    given: str | None
    confidence: float

    @property
    def is_right(self) -> bool:
        return self.truth == self.given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("DOCUMENTS"))
    options = parser.parse_args()
    if options.folder is None:
        parser.error("name the FOLDER, or set DOCUMENTS")
    documents = read_labelled(Path(options.folder))
    categories = sorted({document.category for document in documents})
    run_known(documents, categories)
    print()
    run_unknown(documents, categories)


def read_labelled(folder: Path) -> list[Labelled]:
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    readings = read_all([folder / row["path"] for row in rows])
    return [
        Labelled(str(folder / row["path"]), row["category"], row["source_repo"], reading)
        for row, reading in zip(rows, readings, strict=True)
        if reading is not None
    ]


def run_known(documents: Sequence[Labelled], categories: Sequence[str]) -> None:
    print("examples of every category   accuracy   calibration error")
    for count in COUNTS:
        answers = [
            answer
            for seed in (SEEDS if count else SEEDS[:1])
            for part, rest in parts_of(documents, seed)
            for answer in answers_of(part, categories, choose(rest, categories, count, seed), None)
        ]
        error = calibration_error([(answer.confidence, answer.is_right) for answer in answers])
        print(f"  {count}                            {share(a.is_right for a in answers):6.1%}     {error:.3f}")


def run_unknown(documents: Sequence[Labelled], categories: Sequence[str]) -> None:
    knowledge = load_knowledge()
    meanings = dict(zip(categories, meanings_of([Category(name) for name in categories], knowledge), strict=True))
    found: dict[str, dict[int, list[bool]]] = {name: {count: [] for count in COUNTS} for name in categories}
    others: dict[int, list[bool]] = {count: [] for count in COUNTS}
    for held in categories:
        without = knowledge.without(meanings[held].types)
        for count in COUNTS:
            for seed in SEEDS if count else SEEDS[:1]:
                for part, rest in parts_of(documents, seed):
                    # The other documents take most of the time and vary least, so they are classified only once.
                    tested = part if seed == SEEDS[0] else [d for d in part if d.category == held]
                    answers = answers_of(tested, categories, choose(rest, [held], count, seed), without)
                    found[held][count] += [a.is_right for a in answers if a.truth == held]
                    others[count] += [a.is_right for a in answers if a.truth != held]
    print("examples of a type unknown" + "".join(f"{count:>9}" for count in COUNTS))
    for name, by_count in found.items():
        print(f"  {name:<24}" + "".join(f"{share(right):9.1%}" for right in by_count.values()))
    total = {count: [right for by_count in found.values() for right in by_count[count]] for count in COUNTS}
    print(f"  {'all':<24}" + "".join(f"{share(right):9.1%}" for right in total.values()))
    print(f"  {'all other documents':<24}" + "".join(f"{share(right):9.1%}" for right in others.values()))


def parts_of(documents: Sequence[Labelled], seed: int) -> Iterator[tuple[list[Labelled], list[Labelled]]]:
    """Divide the sources into parts. Yield the documents of each part, with the documents of all other parts."""
    sources = sorted({document.source for document in documents})
    random.Random(seed).shuffle(sources)
    for number in range(PARTS):
        within = set(sources[number::PARTS])
        yield (
            [document for document in documents if document.source in within],
            [document for document in documents if document.source not in within],
        )


def choose(documents: Sequence[Labelled], categories: Sequence[str], count: int, seed: int) -> dict[str, list[str]]:
    """Return up to ``count`` examples of each category, by its name."""
    chance = random.Random(seed)
    chosen = {}
    for name in categories:
        paths = [document.path for document in documents if document.category == name]
        chosen[name] = chance.sample(paths, min(count, len(paths)))
    return chosen


def answers_of(
    documents: Sequence[Labelled],
    categories: Sequence[str],
    examples: Mapping[str, Sequence[str]],
    knowledge: Knowledge | None,
) -> list[Answer]:
    if not documents:
        return []
    offered = [Category(name, examples=tuple(examples.get(name, ()))) for name in categories]
    classifier = Classifier(offered, knowledge=knowledge)
    results = [document.reading.classify(classifier) for document in documents]
    return [
        Answer(document.category, result.classification, result.confidence)
        for document, result in zip(documents, results, strict=True)
    ]


if __name__ == "__main__":
    main()
