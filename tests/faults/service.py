"""The service, whose engine can be held, and which can be killed and started again at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.service import RunningService


class Service:
    """The real service on a port that it keeps, as a context manager."""

    def __init__(self, folder: Path, api_key: str, port: int) -> None:
        self._arguments = (folder, api_key, port, {})
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
        """Start it, also after a kill: it goes on with what is on record."""
        self._running = RunningService(*self._arguments)

    def kill(self) -> None:
        """End it as a crash would. Its engine ends by itself, once it is not held any more."""
        self._running.kill()
        self.let_go()

    def engine(self) -> list[psutil.Process]:
        """The processes of its engine; each starts when all before it are busy."""
        return psutil.Process(self._running.pid).children(recursive=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stop the engine's processes where they are, until ``let_go`` or the end of the block."""
        self._held = self.engine()
        for process in self._held:
            process.suspend()
        try:
            yield
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Let the engine work."""
        held, self._held = self._held, []
        for process in held:
            if process.is_running():
                process.resume()
