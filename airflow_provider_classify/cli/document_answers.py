"""Ask the engine about each document of the command line and print one line of JSON for each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow_provider_classify.cli.categories import categories_of
from airflow_provider_classify.cli.options import engine_options
from airflow_provider_classify.cli.progress import line_printer
from airflow_provider_classify.documents.reference import parse_reference
from airflow_provider_classify.documents.regular_file import require_regular_file
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
from airflow_provider_classify.exceptions import ClassifyError, DocumentNotAFile
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.xcom import failure_fields

#: Asks the engine about a document for a command, and returns the fields of the answer.
Ask = Callable[[EngineProcess, str, Sequence[Category]], dict[str, Any]]


def print_answers(options: argparse.Namespace, ask: Ask) -> int:
    """
    Ask about each document in a process of the engine and print the answers in the order of the documents.

    :returns: the exit status: 1 if a document failed, else 0.
    :raises ClassifyError: the categories or the options of the engine are wrong.
    """
    categories = categories_of(options)
    engine = engine_options(options)
    _check_files(engine)
    documents: list[str] = options.documents
    failed = 0
    size = min(options.jobs or available_cores(), len(documents))
    with EnginePool(size, engine) as pool, line_printer(len(documents)) as print_line:
        for answer in _answers(pool, documents, categories, ask):
            failed += "error" in answer
            print_line(json.dumps(answer, ensure_ascii=False))
    return 1 if failed else 0


def _check_files(engine: EngineOptions) -> None:
    """Load the user's document types and model, so that a fault in them is one error, and not one for each document."""
    if engine.document_types:
        from airflow_provider_classify.engine.knowledge.load import load_knowledge

        load_knowledge(engine.document_types)
    if engine.model:
        from airflow_provider_classify.engine.learned.model import load_model

        load_model(engine.model)


def _answers(
    pool: EnginePool, documents: Sequence[str], categories: Sequence[Category], ask: Ask
) -> Iterator[dict[str, Any]]:
    """Yield the answers in the order of the documents, each as soon as possible."""

    def answer(document: str) -> dict[str, Any]:
        try:
            _require_file(document)
            with pool.process() as process:
                return {"document": document, **ask(process, document, categories)}
        except ClassifyError as error:
            return {"document": document} | failure_fields(str(error), error.kind)

    with ThreadPoolExecutor(pool.size) as threads:
        try:
            yield from threads.map(answer, documents)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _require_file(document: str) -> None:
    """
    Raise an error for an empty name, for a folder, and for a named pipe or device.

    A named pipe or a device could block the engine's process.
    """
    parse_reference(document)
    # The engine reports a missing file itself.
    with suppress(OSError, ValueError):  # ValueError: a null byte
        if Path(document).is_dir():
            files = f"{document.rstrip('/')}/*"
            raise DocumentNotAFile(f"The document {document} is a folder; name its files, as in {files}.")
        require_regular_file(Path(document), document)
