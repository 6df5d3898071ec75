"""Run several processes of one service, which share a database and a storage of documents."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.service import RunningService, running_service


class ServiceProcesses:
    """
    The processes of one service. The context manager ends them.

    :param folder: gets a folder for each process.
    :param database: the URL of the database.
    :param documents: the URL of the storage.
    :param env: is added to the environment of each process.
    :param options: more arguments of ``serve`` for all processes.
    """

    def __init__(
        self, folder: Path, database: str, documents: str, env: Mapping[str, str] | None = None, **options: object
    ) -> None:
        self._folder = folder
        self._shared = {"database": database, "documents": documents, **options}
        self._env = dict(env or {})
        self._stack = ExitStack()
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def start(self, role: str = "both", *, port: int = 0, **options: object) -> RunningService:
        """Start a process. ``options`` are more arguments of ``serve``."""
        self._started += 1
        folder = self._folder / f"process-{self._started}"
        options = {**self._shared, "role": role, "workers": 1, **options}
        return self._stack.enter_context(running_service(folder, port=port, options=options, **self._env))
