"""
Measure the overhead of a batch task over the engine's processes alone, in pages a second.

``python benchmarks/batch_local.py FOLDER`` classifies the PDFs with text below FOLDER several times, on all cores.
Each PDF is in the folder of its category. Two runs take turns: the engine's processes alone, and
``ClassifyBatchOperator`` with its fingerprints, record, output and manifest.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
_HOME = tempfile.TemporaryDirectory()
os.environ |= {"AIRFLOW_HOME": _HOME.name, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTEST_CURRENT_TEST": "benchmark"}

from engine import sorted_by_source  # noqa: E402

from airflow_provider_classify.engine.sandbox.pool import EnginePool  # noqa: E402
from airflow_provider_classify.model.categories import Category  # noqa: E402
from airflow_provider_classify.operators.batch import ClassifyBatchOperator  # noqa: E402
from tests.support.context import context  # noqa: E402

#: The number of links to each document, so that the batch is large.
COPIES = 10
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    texts, _ = sorted_by_source(parser.parse_args().folder)
    names = sorted({path.parent.name for path in texts})
    with tempfile.TemporaryDirectory() as name:
        documents = [Path(name) / f"{number:02}_{path.name}" for number in range(COPIES) for path in texts]
        for document in documents:
            document.symlink_to(next(path.resolve() for path in texts if document.name.endswith(f"_{path.name}")))
        with EnginePool() as pool:
            pages = COPIES * sum(
                pool.classify(path, [Category(n) for n in names], name=path.name).total_pages for path in texts
            )
        print(f"{len(documents)} documents, {pages} pages, {os.cpu_count()} cores; pages a second, best of {ROUNDS}")
        best: dict[Callable[[Sequence[Path], Sequence[str]], None], float] = {}
        for _ in range(ROUNDS):
            for run in (processes_alone, batch_task):
                started = time.perf_counter()
                run(documents, names)
                best[run] = max(best.get(run, 0.0), pages / (time.perf_counter() - started))
        alone, batch = best[processes_alone], best[batch_task]
        print(f"the engine's processes alone   {alone:6.0f}")
        print(f"ClassifyBatchOperator          {batch:6.0f}   {batch / alone:.0%}")


def processes_alone(documents: Sequence[Path], names: Sequence[str]) -> None:
    categories = [Category(name) for name in names]
    with EnginePool() as pool, ThreadPoolExecutor(pool.size) as threads:
        list(threads.map(lambda path: pool.classify(path, categories, name=path.name), documents))


def batch_task(documents: Sequence[Path], names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        operator = ClassifyBatchOperator(
            task_id="batch", documents=list(map(str, documents)), categories=list(names), output=f"{folder}/out.jsonl"
        )
        manifest = operator.execute(context())
        if manifest["failed"]:
            print(f"{manifest['failed']} documents failed: {manifest['failures'][:3]}")


if __name__ == "__main__":
    main()
