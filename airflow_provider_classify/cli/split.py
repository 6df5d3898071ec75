"""``airflow-classify split``: write each document of packets as a PDF."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.cli.document_answers import print_answers
from airflow_provider_classify.cli.options import add_documents, add_engine_options
from airflow_provider_classify.exceptions import InvalidOutput
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands
    from airflow_provider_classify.engine.sandbox.pool import EngineProcess


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("split", help="write each document of packets as a PDF of its own")
    command.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="folder for the PDFs")
    add_documents(command)
    add_engine_options(command)
    command.set_defaults(run=_run, max_pages="all")


def _run(options: argparse.Namespace) -> int:
    def classify_and_split(process: EngineProcess, document: str, categories: Sequence[Category]) -> dict[str, Any]:
        result = process.classify(Path(document), categories, name=document).to_json()
        return result | {"documents": _split(process, document, result, options.to)}

    return print_answers(options, classify_and_split)


def _split(process: EngineProcess, document: str, result: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Write the documents of a packet to the folder, over files of the same names. Return them with their paths."""
    from airflow_provider_classify.engine.packets.write import write_pieces

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".split-") as writing:
            pieces = list(write_pieces(process, Path(document), result, Path(writing), name=document))
            return [{"document": str(file.replace(folder / file.name)), **found} for file, found in pieces]
    except OSError as error:
        raise InvalidOutput(
            f"The documents of {document!r} cannot be written to the folder {str(folder)!r} ({error.strerror}); "
            "check its permissions and its disk."
        ) from error
