"""Run the service so that its engine can be held, and that it can be killed and started again on the same port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.service import RunningService


class Service:
    """The real service on a fixed port. The context manager starts and stops it."""

    def __init__(self, folder: Path, api_key: str, port: int) -> None:
        self._arguments = (folder, api_key, port, {}, {})
        self._held: list[psutil.Process] = []
        self.url = f"http://127.0.0.1:{port}"
        self.record = folder / "jobs.db"

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.let_go()
        self._running.stop()

    def start(self) -> None:
        """Start the service, or start it again after a kill. It runs the unfinished jobs of its record."""
        self._running = RunningService(*self._arguments)

    def kill(self) -> None:
        """Kill the service as a crash does. Its engine ends by itself as soon as it is not held."""
        self._running.kill()
        self.let_go()

    def engine(self) -> list[psutil.Process]:
        """Return the processes of its engine. A process starts when all others are busy."""
        return psutil.Process(self._running.pid).children(recursive=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Suspend the engine's processes until ``let_go`` or the end of the block."""
        self._held = self.engine()
        for process in self._held:
            process.suspend()
        try:
            yield
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Resume the engine's processes."""
        held, self._held = self._held, []
        for process in held:
            if process.is_running():
                process.resume()
