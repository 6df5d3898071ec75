"""
Measure a cascade: how many calls of a paid API the local engine saves, and how many answers are right, by threshold.

    python benchmarks/cascade.py FOLDER [--threshold 0.9]

FOLDER has ``labels.csv`` with the columns path and category, or a folder for each category. A stand-in for the API
answers from these labels: a real HTTP server on loopback with the record of jobs of this package's service.

The cascade itself runs once, with the threshold: ``ClassifyBatchOperator`` asks the local engine first, and the API
about the rest. The table then applies other thresholds to the same first answers. The stand-in is always right, so the
table shows the best accuracy that an API can reach.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
#: A long limit, so that no document fails because the machine is busy.
_ENGINE = {"backend": "local", "document_timeout": 600}
_HOME = tempfile.TemporaryDirectory()
os.environ |= {
    "AIRFLOW_HOME": _HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW_CONN_ENGINE": json.dumps({"conn_type": "classify", "extra": _ENGINE}),
    "PYTEST_CURRENT_TEST": "benchmark",
}

from airflow_provider_classify.documents.labelled_folder import read_labels  # noqa: E402
from airflow_provider_classify.exceptions import ClassifyError, error_of_kind  # noqa: E402
from airflow_provider_classify.model.cascade import Accept, Cascade, Escalate, Outcome, after_first  # noqa: E402
from airflow_provider_classify.model.result import ClassificationResult  # noqa: E402
from airflow_provider_classify.operators.batch import ClassifyBatchOperator  # noqa: E402
from tests.support.context import context  # noqa: E402
from tests.support.table_api import table_api  # noqa: E402

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class First:
    """The outcome of the local engine for a document, and the document's label."""

    label: str
    outcome: Outcome


@dataclass(frozen=True)
class Line:
    """A line of the table, with numbers of documents. ``threshold`` is ``None`` for the line without an API."""

    threshold: float | None
    escalated: int
    right: int
    wrong: int
    failed: int


def main() -> None:
    labels, threshold = parse_options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        rows, manifest, calls = run(labels, threshold, Path(folder))
    print_run(labels, rows, manifest, calls, threshold)
    firsts = [first_of(row, labels) for row in rows]
    thresholds = [None, *sorted({*THRESHOLDS, threshold})]
    print_table([line(firsts, threshold) for threshold in thresholds], len(firsts))


def parse_options(description: str | None) -> tuple[Mapping[str, str], float]:
    """Return the category of each document in the folder of the command line, and the threshold."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.environ.get("DOCUMENTS"))
    parser.add_argument("--threshold", type=float, default=0.9)
    options = parser.parse_args()
    if not options.folder:
        parser.error("name the FOLDER, or set DOCUMENTS")
    try:
        return read_labels(Path(options.folder)), options.threshold
    except ClassifyError as error:
        parser.error(str(error))


def run(
    labels: Mapping[str, str], threshold: float, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Run the batch. Return its rows, its manifest and the names of the documents that the API got."""
    table = {Path(path).read_bytes(): (label, 1.0) for path, label in labels.items()}
    limits = {"max_bytes": 10**9, "max_total_bytes": 10**11, "capacity": len(labels), "threads": 4}
    with table_api(folder / "api", table, engine="stand-in", **limits) as api:
        os.environ["AIRFLOW_CONN_STAND_IN"] = json.dumps({"conn_type": "classify", "host": api.url})
        manifest = ClassifyBatchOperator(
            task_id="cascade",
            documents=list(labels),
            categories=sorted(set(labels.values())),
            output=str(folder / "out.jsonl"),
            classify_conn_id="engine",
            escalate_to="stand_in",
            escalate_below=threshold,
            max_failed=len(labels),
        ).execute(context())
        calls = [name for name, _ in api.classifier.seen]
    rows = [json.loads(text) for text in (folder / "out.jsonl").read_text().splitlines()]
    return rows, manifest, calls


def first_of(row: Mapping[str, Any], labels: Mapping[str, str]) -> First:
    """Return the outcome of the local engine for the document of a row."""
    answer = row.get("first_answer", row)
    end: ClassificationResult | ClassifyError
    if "error" in answer:
        end = error_of_kind(answer["error_kind"], answer["error"])
    else:
        blank = bool(answer.get("blank"))
        end = ClassificationResult(True, answer["classification"], answer["confidence"], 1, 1, blank=blank)
    return First(labels[row["document"]], Outcome("engine", end))


def line(firsts: Sequence[First], threshold: float | None) -> Line:
    """Return the line of the table for a threshold, or for no API."""
    cascade = None if threshold is None else Cascade("engine", "stand_in", threshold)
    steps = [(first.label, after_first(cascade, first.outcome)) for first in firsts]
    escalated = sum(isinstance(step, Escalate) for _, step in steps)
    accepted = [step.result.classification == label for label, step in steps if isinstance(step, Accept)]
    right = escalated + sum(accepted)
    wrong = len(accepted) - sum(accepted)
    return Line(threshold, escalated, right, wrong, len(firsts) - right - wrong)


def print_run(
    labels: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any],
    calls: Sequence[str],
    threshold: float,
) -> None:
    right = sum(row.get("classification") == labels[row["document"]] for row in rows)
    print(f"One run of the cascade at {threshold:g} over {len(rows)} documents:")
    print(f"  documents escalated   {manifest['escalated']}, calls that the API got: {len(calls)}")
    print(f"  calls saved           {manifest['calls_saved']}, not classified: {manifest['failed']}")
    print(f"  accuracy              {right / len(rows):.1%}\n")


def print_table(lines: Sequence[Line], documents: int) -> None:
    print("threshold   API calls   calls saved   accuracy   wrong answers of the engine that stand   not classified")
    for line in lines:
        threshold = "no API" if line.threshold is None else f"{line.threshold:g}"
        saved = documents - line.escalated - line.failed
        threshold = "no API" if line.threshold is None else f"{line.threshold:g}"
        print(
            f"{threshold:>9}   {line.escalated:>9}   {saved:>4} {saved / documents:>6.1%}   "
            f"{line.right / documents:>8.1%}   {line.wrong:>38}   {line.failed:>14}"
        )


if __name__ == "__main__":
    main()
