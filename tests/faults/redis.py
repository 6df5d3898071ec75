"""Run a temporary Redis server on loopback."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from standalone import free_port

from tests.faults.processes import Process
from tests.support.waiting import wait_until


def program() -> str | None:
    """Return the path of Redis's server; None if it is not installed."""
    return shutil.which("redis-server")


@contextmanager
def running_redis(log: Path) -> Iterator[str]:
    """Run a server; yield its URL without a database number."""
    port = free_port()
    command = [str(program()), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    server = Process(command, log, cwd=log.parent)
    try:
        wait_until(lambda: _listens(port), 60, pause=0.1)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
