"""
Classify damaged documents: each must have a result, or an error that names the document, within the limits.

    python -m benchmarks.fuzz [FOLDER] [--count 2000] [--seconds 60] [--only NUMBER]

It takes a document of each format (``fuzz_seeds.py``), and the documents below FOLDER or below the folder that the
environment variable DOCUMENTS names. It damages them in turn in every way of ``mutations.py``, and classifies them in
two processes of the engine. The same folder gives the same mutations. ``--only`` repeats one mutation, and prints the
traceback of its error.

The last line counts the inputs, the crashes of the engine's processes, the hangs (documents that took longer than the
limit), and the lost documents, which have neither a valid result nor an error that names them. The exit code is 0 if
there are no crashes, hangs and lost documents, otherwise 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import DocumentCrashedParser, DocumentError, DocumentTookTooLong
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from benchmarks.fuzz_seeds import write_seeds
from benchmarks.mutations import Mutation

PROCESSES = 2
#: Seconds beyond the limit for stopping a child and starting another.
GRACE_SECONDS = 5.0
CATEGORIES = tuple(map(Category, ("invoice", "receipt", "contract", "letter", "resume", "bank_statement", "form")))


@dataclass(frozen=True)
class Outcome:
    """The outcome of a document. ``fault`` describes the fault of the outcome; ``None`` if there is no fault."""

    mutation: Mutation
    seconds: float
    error: BaseException | None
    fault: str | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("DOCUMENTS"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    options = parser.parse_args()
    numbers = range(options.count) if options.only is None else [options.only]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as seeds:
        documents = write_seeds(Path(seeds))
        if options.folder:
            documents += sorted(path for path in Path(options.folder).rglob("*.*") if path.suffix != ".csv")
        outcomes = classify_all([Mutation(number, documents) for number in numbers], options.seconds)
    print_table(outcomes)
    print(f"\n{len(outcomes)} mutations of {len(documents)} documents in {time.perf_counter() - started:.0f} s")
    if options.only is not None and outcomes[0].error is not None:
        traceback.print_exception(outcomes[0].error)
    lost = [outcome for outcome in outcomes if outcome.fault]
    for outcome in lost:
        print(f"LOST {outcome.mutation.name}: {outcome.fault}")
    crashes = sum(isinstance(outcome.error, DocumentCrashedParser) for outcome in outcomes)
    hangs = sum(
        isinstance(outcome.error, DocumentTookTooLong) or outcome.seconds > options.seconds for outcome in outcomes
    )
    print(f"inputs {len(outcomes)}, crashes {crashes}, hangs {hangs}, lost {len(lost)}")
    sys.exit(1 if crashes or hangs or lost else 0)


def classify_all(mutations: Sequence[Mutation], seconds: float) -> list[Outcome]:
    """Classify the mutations in two processes, each within ``seconds``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EnginePool(PROCESSES, EngineOptions(seconds=seconds, attachments="classify")) as pool,
        ThreadPoolExecutor(PROCESSES) as threads,
    ):
        return list(threads.map(lambda mutation: classify(pool, mutation, Path(folder), seconds), mutations))


def classify(pool: EnginePool, mutation: Mutation, folder: Path, limit: float) -> Outcome:
    path = folder / str(mutation.number)
    path.write_bytes(mutation.damaged())
    error, fault = None, None
    started = time.perf_counter()
    try:
        fault = unsound(pool.classify(path, CATEGORIES, name=mutation.name))
    except DocumentError as caught:
        error = caught
        if mutation.name not in str(caught):
            fault = f"the error does not name the document: {caught}"
    except BaseException as caught:
        error, fault = caught, f"neither a result nor an error of the document: {caught!r}"
    took = time.perf_counter() - started
    path.unlink()
    if took > limit + GRACE_SECONDS:
        fault = f"took {took:.1f} s, the limit is {limit:g}"
    return Outcome(mutation, took, error, fault)


def unsound(result: ClassificationResult) -> str | None:
    """Return why a caller cannot store the result or use its numbers; None if a caller can do both."""
    try:
        json.dumps(result.to_json(), allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        return f"the result cannot be stored: {error}"
    shares = [result.confidence, *(page.confidence for page in result.page_results)]
    if not all(math.isfinite(share) and 0 <= share <= 1 for share in shares):
        return f"confidences out of range: {shares}"
    return None


def print_table(outcomes: Sequence[Outcome]) -> None:
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.mutation.kind].append(outcome)
    print(f"{'mutation':<16} {'documents':>9} {'results':>8} {'errors':>7} {'crashes':>8} {'slowest s':>10}")
    for kind, group in [*kinds.items(), ("all", list(outcomes))]:
        errors = sum(outcome.error is not None for outcome in group)
        crashes = sum(isinstance(outcome.error, DocumentCrashedParser) for outcome in group)
        slowest = max(outcome.seconds for outcome in group)
        print(f"{kind:<16} {len(group):>9} {len(group) - errors:>8} {errors:>7} {crashes:>8} {slowest:>10.1f}")
    print("\nerrors by kind")
    for name, count in Counter(type(o.error).__name__ for o in outcomes if o.error is not None).most_common():
        print(f"  {name:<24} {count:>6}")
    print("\nslowest")
    for outcome in sorted(outcomes, key=lambda outcome: -outcome.seconds)[:5]:
        print(f"  {outcome.seconds:6.1f} s  {outcome.mutation.name}")
    crashed = [outcome for outcome in outcomes if isinstance(outcome.error, DocumentCrashedParser)]
    if crashed:
        print("\ncrashes of the engine's processes")
    for outcome in crashed:
        print(f"  {outcome.error}")


if __name__ == "__main__":
    main()
