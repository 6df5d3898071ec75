"""``airflow-classify key``: make a key for a client of the service, and its line of the keys file."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_provider_classify.cli.options import at_least_one

if TYPE_CHECKING:
    from airflow_provider_classify.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command to those of the command line."""
    command = commands.add_parser("key", help="make a key for a client of the service, and its line of the keys file")
    command.add_argument("name", metavar="NAME", help="name of the client: 1 to 64 letters, digits and ._-")
    command.add_argument(
        "--quota", metavar="N", type=at_least_one, help="documents in a month, at least 1 (default: no limit)"
    )
    command.add_argument(
        "--rate", metavar="N", type=at_least_one, help="requests in a minute, at least 1 (default: no limit)"
    )
    command.add_argument(
        "--webhook-secret", action="store_true", help="also make a secret that signs the client's webhooks"
    )
    command.add_argument("--from-stdin", action="store_true", help="use the key on the standard input, not a new one")
    command.epilog = "The key itself is printed to stderr, and nowhere else. The line has only its hash."
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from airflow_provider_classify.service.api_keys import Key, key_line, new_key
    from airflow_provider_classify.service.webhook_signature import new_webhook_secret

    key = sys.stdin.readline().strip() if options.from_stdin else new_key()
    secret = new_webhook_secret() if options.webhook_secret else None
    line = key_line(key, Key(options.name, options.quota, options.rate, secret))
    print(line)
    if not options.from_stdin:
        print(f"The key of {options.name}, which is shown only now: {key}", file=sys.stderr)
    if secret:
        print(f"The secret with which {options.name} verifies webhooks: {secret}", file=sys.stderr)
    return 0
