"""``airflow-classify serve``: run a server that offers the engine as a classify API."""

from __future__ import annotations

import argparse
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.cli.options import add_engine_options, engine_options
from airflow_provider_classify.exceptions import ExtraNotInstalled

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands

#: The most days for which a job can be kept: a hundred years.
_MAX_DAYS = 36500


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("serve", help="run a server that offers the engine as a classify API")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument("--port", type=int, default=8600, help="port to listen on (default: %(default)s)")
    command.add_argument(
        "--data", metavar="FOLDER", type=Path, default=Path("classify-data"),
        help="folder for the record of jobs and for uploads (default: ./%(default)s)",
    )  # fmt: skip
    _add_sharing(command)
    _add_access(command)
    command.add_argument(
        "--keep-results", metavar="DAYS", type=_days, default=7.0,
        help="days until a job is deleted after its end (default: 7)",
    )  # fmt: skip
    command.add_argument(
        "--log-format", choices=("text", "json"), default="text",
        help="format of the log on stderr (default: %(default)s)",
    )  # fmt: skip
    _add_escalation(command)
    add_engine_options(command)
    command.epilog = (
        "If CLASSIFY_API_KEY is set in the environment or --keys-file is given, every request must carry a key. "
        "CLASSIFY_WEBHOOK_SECRET signs the webhooks of keys without a secret of their own."
    )
    command.set_defaults(run=_run)


def _add_sharing(command: argparse.ArgumentParser) -> None:
    """Add the options for several processes of one service."""
    command.add_argument(
        "--database", metavar="URL", default=os.environ.get("CLASSIFY_DATABASE"),
        help="record of jobs that several processes share, such as postgresql+psycopg://user@host/name "
        "(default: CLASSIFY_DATABASE in the environment, which hides a password from other users of the machine)",
    )  # fmt: skip
    command.add_argument(
        "--documents", metavar="URL",
        help="storage of waiting documents that they share, such as s3://bucket/folder, or a folder on a shared disk",
    )  # fmt: skip
    command.add_argument(
        "--role", choices=("api", "worker", "both"), default="both",
        help="what this process does: serve the API, classify, or both (default: %(default)s)",
    )  # fmt: skip


def _add_access(command: argparse.ArgumentParser) -> None:
    """Add the options that set who may use the service, and which addresses the service may reach."""
    command.add_argument(
        "--allow-anonymous", action="store_true",
        help="allow a start without any key on an address that other machines can reach",
    )  # fmt: skip
    command.add_argument(
        "--allow-private-urls", action="store_true",
        help="allow a file_url or webhook_url with a loopback or private address, such as that of your own file server",
    )  # fmt: skip
    command.add_argument(
        "--keys-file", metavar="FILE", type=Path,
        help="keys of clients, with a line of `airflow-classify key` for each; it is read again when it changes",
    )  # fmt: skip


def _add_escalation(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--escalate-to", metavar="URL",
        help="another classify API, which is asked about documents of which the engine is not sure; "
        "CLASSIFY_ESCALATION_API_KEY in the environment has its key",
    )  # fmt: skip
    command.add_argument(
        "--escalate-below", metavar="CONFIDENCE", type=float,
        help="confidence below which the engine is not sure, above 0, at most 1",
    )  # fmt: skip


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0
    if not 0 < days <= _MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days above 0 and up to {_MAX_DAYS}")
    return days


def _run(options: argparse.Namespace) -> int:
    try:
        from airflow_provider_classify.service.server import serve
    except ModuleNotFoundError as error:
        raise ExtraNotInstalled(
            f"The service needs {error.name}; install airflow-provider-classify[service]."
        ) from error

    serve(
        host=options.host,
        port=options.port,
        data_dir=options.data,
        database=options.database,
        documents=options.documents,
        role=options.role,
        keep_results=timedelta(days=options.keep_results),
        options=engine_options(options),
        allow_anonymous=options.allow_anonymous,
        allow_private_urls=options.allow_private_urls,
        escalate_to=options.escalate_to,
        escalate_below=options.escalate_below,
        keys_file=options.keys_file,
        log_format=options.log_format,
    )
    return 0
