"""``airflow-classify fetch-ocr-models``: download OCR models for other scripts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("fetch-ocr-models", help="download OCR models for other scripts, for --ocr-models")
    command.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="folder for the models")
    command.add_argument(
        "scripts", metavar="SCRIPT", nargs="*",
        help="scripts such as Arabic, Cyrillic, Devanagari, Greek, Korean and Thai (default: all)",
    )  # fmt: skip
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from airflow_provider_classify.local.ocr_models import fetch_ocr_models

    for file in fetch_ocr_models(options.to, options.scripts):
        print(file)
    return 0
