"""Add the options that several commands have: options for documents and options for the engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.options import (
    ATTACHMENT_MODES,
    OCR_MODES,
    EngineOptions,
    MaxPages,
    parse_max_pages,
)

if TYPE_CHECKING:
    #: The commands of a command line, to which a module adds its own.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_documents(command: argparse.ArgumentParser) -> None:
    """Add the documents, their categories and the number of processes."""
    names = command.add_mutually_exclusive_group(required=True)
    names.add_argument(
        "--categories", metavar="A,B,…", action="append",
        help="category names, separated by commas; the option can be repeated",
    )  # fmt: skip
    names.add_argument(
        "--categories-file", metavar="FILE", type=Path,
        help='a JSON file with a list of names or of {"name", "description", "examples"} objects',
    )  # fmt: skip
    command.add_argument(
        "--jobs", metavar="N", type=at_least_one, help="number of processes, at least 1 (default: one for each core)"
    )
    command.add_argument("documents", metavar="FILE", nargs="+", help="documents to classify")


def add_engine_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the engine; see :func:`engine_options`."""
    defaults = EngineOptions()
    command.add_argument(
        "--max-pages", metavar="N", type=_max_pages, default=defaults.max_pages,
        help="number of first pages that are classified, at least 1, or all (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--document-types", metavar="FOLDER", type=Path,
        help="folder with document types of your own, in addition to the built-in ones",
    )  # fmt: skip
    command.add_argument(
        "--sentence-model", metavar="MODEL",
        help="static sentence model for unknown category names: a folder, or a name on the Hugging Face hub",
    )  # fmt: skip
    command.add_argument(
        "--model", metavar="FILE", type=Path,
        help="model that make train has fitted on your own documents, in place of the built-in one",
    )  # fmt: skip
    command.add_argument(
        "--ocr-models", metavar="FOLDER", type=Path,
        help="folder of OCR models for other scripts, which fetch-ocr-models has downloaded",
    )  # fmt: skip
    command.add_argument(
        "--ocr", choices=OCR_MODES, default=defaults.ocr,
        help="when to read pages by OCR; auto: if the page shows more than its text layer has (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--attachments", choices=ATTACHMENT_MODES, default=defaults.attachments,
        help="ignore the attachments of an e-mail, or classify each of them (default: %(default)s)",
    )  # fmt: skip


def engine_options(options: argparse.Namespace) -> EngineOptions:
    """
    Return the options of the engine from the command line. A sentence model of the hub is downloaded.

    :raises ClassifyError: the sentence model cannot be used.
    """
    sentence_model = None
    if options.sentence_model:
        from airflow_provider_classify.local.model_hub import find_sentence_model

        sentence_model = find_sentence_model(options.sentence_model)
    return EngineOptions(
        max_pages=options.max_pages,
        document_types=options.document_types,
        sentence_model=sentence_model,
        model=options.model,
        ocr_models=options.ocr_models,
        ocr=options.ocr,
        attachments=options.attachments,
    )


def at_least_one(text: str) -> int:
    """Read a whole number of at least 1. :raises argparse.ArgumentTypeError: the text is not such a number."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _max_pages(text: str) -> MaxPages:
    try:
        return parse_max_pages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
