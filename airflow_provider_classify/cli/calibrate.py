"""``airflow-classify calibrate``: fit the confidence of a language model on labelled documents."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.cli.categories import categories_in
from airflow_provider_classify.model.categories import parse_categories

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("calibrate", help="fit the confidence of a language model on labelled documents")
    command.add_argument(
        "folder", metavar="FOLDER", type=Path,
        help="folder with a labels.csv (path, category), or with a folder for each category",
    )  # fmt: skip
    command.add_argument("--conn-id", required=True, help="Airflow connection of type classify with the backend model")
    command.add_argument("--to", metavar="FILE", type=Path, required=True, help="JSON file for the calibration")
    command.add_argument(
        "--categories-file", metavar="FILE", type=Path,
        help='a JSON file with a list of names or of {"name", "description"} objects (default: the labels)',
    )  # fmt: skip
    command.epilog = "The model is asked about each document, which costs tokens. A second run asks only what failed."
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # These import Airflow, which the other commands do not need.
    from airflow_provider_classify.batch.progress_log import ProgressLog
    from airflow_provider_classify.documents.labelled_folder import read_labels
    from airflow_provider_classify.hooks.classify import ClassifyHook
    from airflow_provider_classify.llm.calibrate import try_out

    labels = read_labels(options.folder)
    if options.categories_file is None:
        categories = parse_categories(sorted(set(labels.values())))
    else:
        categories = categories_in(options.categories_file)
    with ClassifyHook(options.conn_id) as hook:
        trial = try_out(hook.backend, labels, categories, ProgressLog(_OnStderr(), total=len(labels), done=0))
    for line in trial.lines():
        print(line)
    for error in trial.errors:
        print(error, file=sys.stderr)
    trial.calibration().save(options.to)
    print(f'Set "calibration" of the connection {options.conn_id!r} to {str(options.to)!r} on each worker.')
    return 0


class _OnStderr:
    """A log for the progress of the command."""

    @staticmethod
    def info(message: str, *values: object) -> None:
        """Print a line."""
        print(message % values, file=sys.stderr)
