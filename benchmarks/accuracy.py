"""
Measure the accuracy and the calibration of the engine on labelled documents.

    python benchmarks/accuracy.py FOLDER [--diagram PNG] [--paraphrased] [--held-back] [--unknown]

FOLDER has ``labels.csv`` with the columns path and category. With the columns kind, language and source_repo, the
figures of these groups are printed, too. The environment variable DOCUMENTS can name the folder instead. The figures
are those of the engine with its own model. They are too good for documents that the model was fitted on; ``make train``
prints the figures for sources that a model has not seen. Some figures have their goal beside them. The goals are for
documents that were not used for tuning. Further options add tables:

* ``--paraphrased``: all categories are named in the words of several users.
* ``--held-back``: each category in turn is unknown to the engine, and has a name and a sentence as its description.
* ``--unknown``: each category in turn is left out. The table shows whether the confidence of its documents is lower.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import reliability
from experiments import read_all, run_held_back, run_paraphrased, run_unknown
from measures import calibration_error, macro_f1, share

from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category

#: The lowest confidence of a sure answer.
SURE = 0.9
#: The goal for the accuracy of each group of the tables.
GOALS = {"born_digital": "95 %", "image": "88 %", "scanned_pdf": "90 %", "email": "100 %", "other languages": "93 %"}
DIAGRAM = Path(".bench/reliability.png")


@dataclass(frozen=True)
class Answer:
    document: dict[str, str]
    given: str | None
    confidence: float
    pages: int
    error: str | None = None

    @property
    def is_right(self) -> bool:
        return self.given == self.document["category"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("DOCUMENTS"))
    parser.add_argument("--diagram", type=Path, default=DIAGRAM, metavar="PNG")
    parser.add_argument("--paraphrased", action="store_true")
    parser.add_argument("--held-back", action="store_true")
    parser.add_argument("--unknown", action="store_true")
    options = parser.parse_args()
    if options.folder is None:
        parser.error("name the FOLDER, or set DOCUMENTS")
    folder = Path(options.folder)
    with (folder / "labels.csv").open(newline="") as file:
        documents = list(csv.DictReader(file))
    categories = sorted({document["category"] for document in documents})

    answers, wall = classify_all(folder, documents, categories)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print_summary(answers)
    print_costs(answers, wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)
    readings = read_all([folder / document["path"] for document in documents])
    reliability.draw([(a.confidence, a.is_right) for a in answers], options.diagram, "Confidence and accuracy")
    print(f"reliability diagram   {options.diagram}")
    truths = [document["category"] for document in documents]
    for wanted, run in (
        (options.paraphrased, run_paraphrased),
        (options.held_back, run_held_back),
        (options.unknown, run_unknown),
    ):
        if wanted:
            print()
            run(readings, truths, categories)


def classify_all(
    folder: Path, documents: Sequence[dict[str, str]], categories: Sequence[str]
) -> tuple[list[Answer], float]:
    """Return the answers, and the wall seconds for all of them."""
    offered = [Category(name) for name in categories]
    started = time.perf_counter()
    with EnginePool() as pool, ThreadPoolExecutor(pool.size) as threads:

        def classify(document: dict[str, str]) -> Answer:
            path = folder / document["path"]
            try:
                result = pool.classify(path, offered, name=document["path"])
            except ClassifyError as error:
                return Answer(document, None, 0.0, 0, str(error))
            return Answer(document, result.classification, result.confidence, result.total_pages)

        answers = list(threads.map(classify, documents))
        return answers, time.perf_counter() - started


def print_summary(answers: Sequence[Answer]) -> None:
    pairs = [(answer.document["category"], answer.given) for answer in answers]
    print(f"documents             {len(answers)}")
    print_figures(answers)
    columns = answers[0].document.keys()
    if "kind" in columns:
        print_table("by kind", answers, lambda a: a.document["kind"])
    if "language" in columns:
        print_table(
            "by language", answers, lambda a: "English" if a.document["language"] == "en" else "other languages"
        )
    print_table("by category", answers, lambda a: a.document["category"])
    if "source_repo" in columns:
        print_sources(answers)
    confused = Counter(pair for pair in pairs if pair[0] != pair[1])
    print("\nconfused: truth -> answer")
    for (truth, given), count in confused.most_common():
        print(f"  {truth} -> {given or 'error'}: {count}")
    for answer in answers:
        if not answer.is_right:
            print(f"  {answer.document['path']}: {answer.error or f'{answer.given} {answer.confidence:.2f}'}")


def print_sources(answers: Sequence[Answer]) -> None:
    print_table("by source", answers, lambda a: a.document["source_repo"])
    by_source: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        by_source[answer.document["source_repo"]].append(answer.is_right)
    print(f"mean over sources     {sum(map(share, by_source.values())) / len(by_source):.1%}")


def print_figures(answers: Sequence[Answer]) -> None:
    sure = [answer for answer in answers if answer.confidence >= SURE]
    error = calibration_error([(answer.confidence, answer.is_right) for answer in answers])
    precision, covered = share(answer.is_right for answer in sure), len(sure) / len(answers)
    print(f"accuracy              {share(a.is_right for a in answers):.1%} (goal: 95 %)")
    print(f"macro F1              {macro_f1([(a.document['category'], a.given) for a in answers]):.3f} (goal: 0.94)")
    print(f"calibration error     {error:.3f} (goal: 0.04)")
    print(f"precision at >= {SURE}   {precision:.1%} on {covered:.1%} of documents (goal: 98.5 % on 75 %)")


def print_table(title: str, answers: Sequence[Answer], key: Callable[[Answer], str]) -> None:
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[key(answer)].append(answer)
    print(f"\n{title}")
    for name, group in sorted(groups.items()):
        goal = f" (goal: {GOALS[name]})" if name in GOALS else ""
        print(f"  {name:<52} {share(a.is_right for a in group):6.1%} of {len(group)}{goal}")


def print_costs(answers: Sequence[Answer], wall: float, cpu: float, peak_mb: int) -> None:
    pages = sum(answer.pages for answer in answers)
    print(f"\npages                 {pages}, {pages / wall:.1f} a second, {cpu / max(1, pages):.2f} CPU-s each")
    print(f"peak memory, a child  {peak_mb} MB")


if __name__ == "__main__":
    main()
