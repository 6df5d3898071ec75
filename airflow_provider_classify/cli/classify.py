"""``airflow-classify classify``: classify files and print their results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.cli.document_answers import print_answers
from airflow_provider_classify.cli.options import add_documents, add_engine_options
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands
    from airflow_provider_classify.engine.sandbox.pool import EngineProcess


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("classify", help="classify files and print one line of JSON for each")
    add_documents(command)
    add_engine_options(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return print_answers(options, _classify)


def _classify(process: EngineProcess, document: str, categories: Sequence[Category]) -> dict[str, Any]:
    return process.classify(Path(document), categories, name=document).to_json()
