"""Start the service and its peer as separate processes, and measure their memory and handles."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

#: The text that the service and its peer print before their port.
_STARTED = " on http://127.0.0.1:"


@dataclass(frozen=True)
class Server:
    """A server on loopback."""

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Return the resident memory of the server's own process in bytes, without the engine's child processes."""
        return int(self.process.memory_info().rss)

    def handles(self) -> int:
        """Return the number of open files, sockets and threads."""
        return int(self.process.num_fds() + self.process.num_threads())


@contextmanager
def service(*options: str, cores: set[int] | None = None) -> Iterator[Server]:
    """
    Run the service until the block ends.

    :param cores: the cores on which the service and its engine run; all if None.
    """
    command = str(Path(sys.executable).with_name("airflow-classify"))
    with (
        tempfile.TemporaryDirectory(prefix="bench-service-") as folder,
        _started([command, "serve", "--port", "0", "--data", folder, *options], cores) as server,
    ):
        yield server


@contextmanager
def bare_app(cores: set[int] | None = None) -> Iterator[Server]:
    """Run the bare Starlette app of :mod:`benchmarks.service.bare` until the block ends."""
    with _started([sys.executable, "-m", "benchmarks.service.bare"], cores) as server:
        yield server


@contextmanager
def _started(command: list[str], cores: set[int] | None) -> Iterator[Server]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CLASSIFY_")}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if _STARTED not in line:
                log.seek(0)
                raise SystemExit(f"{command[0]} did not start: {line}{log.read()}")
            watched = psutil.Process(process.pid)
            if cores:
                watched.cpu_affinity(sorted(cores))
            yield Server(int(line.rsplit(":", 1)[1]), watched)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Run this process on some of the machine's cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
