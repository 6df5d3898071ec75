"""``airflow-classify serve``: run a server that offers the engine as a classify API."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.cli.options import add_engine_options, engine_options
from airflow_provider_classify.exceptions import ExtraNotInstalled

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("serve", help="run a server that offers the engine as a classify API")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument("--port", type=int, default=8600, help="port to listen on (default: %(default)s)")
    command.add_argument(
        "--data", metavar="FOLDER", type=Path, default=Path("classify-data"),
        help="folder for the record of jobs and for uploads (default: ./%(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--allow-anonymous", action="store_true",
        help="allow a start without CLASSIFY_API_KEY on an address that other machines can reach",
    )  # fmt: skip
    command.add_argument(
        "--allow-private-urls", action="store_true",
        help="allow a file_url with a loopback or private address, such as that of your own file server",
    )  # fmt: skip
    add_engine_options(command)
    command.epilog = "If CLASSIFY_API_KEY is set in the environment, every request must carry that key."
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        from airflow_provider_classify.service.server import serve
    except ModuleNotFoundError as error:
        raise ExtraNotInstalled(
            f"The service needs {error.name}; install airflow-provider-classify[service,local]."
        ) from error

    serve(
        host=options.host,
        port=options.port,
        data_dir=options.data,
        options=engine_options(options),
        allow_anonymous=options.allow_anonymous,
        allow_private_urls=options.allow_private_urls,
    )
    return 0
