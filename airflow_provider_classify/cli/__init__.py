"""
The command ``airflow-classify``, which runs the local engine in a shell or as a service.

The command does not import Airflow, so that it starts fast. Only ``calibrate`` imports Airflow, when it runs.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from airflow_provider_classify import __version__
from airflow_provider_classify.cli import calibrate, classify, fetch_ocr_models, key, serve, split
from airflow_provider_classify.exceptions import ClassifyError


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :returns: the exit status: 0 for success, 1 if a document failed or the reader of the output has ended, 2 for any
        other error such as an invalid argument, 130 after Ctrl-C.
    """
    options = create_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 in every locale. A byte of a file name that is not UTF-8 becomes a \udc… escape of JSON.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return int(options.run(options))
    except ClassifyError as error:
        print(f"airflow-classify: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The program that reads the output has ended, as with `| head`. At exit, Python must not write to it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. The documentation takes its reference of the commands from this parser."""
    parser = argparse.ArgumentParser(prog="airflow-classify", description="Classify documents.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (classify, split, calibrate, fetch_ocr_models, serve, key):
        command.add_command(commands)
    return parser
