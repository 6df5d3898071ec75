"""Limit the time of many concurrent requests with one timer of the event loop."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

#: Seconds between two checks of the limits. A limit can be exceeded by this time.
PRECISION = 0.1


class TimeLimits:
    """
    Limits how long blocks of code may take. It replaces ``asyncio.timeout`` for thousands of short blocks.

    ``asyncio.timeout`` sets and cancels a timer for each block. Here a block only registers itself. While blocks are
    open, one timer checks which of them have taken too long.
    """

    def __init__(self) -> None:
        self._open: set[_Limit] = set()
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, seconds: float) -> _Limit:
        """Return a context manager that ends its block with a ``TimeoutError`` after ``seconds``."""
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_later(PRECISION, self._check)
        return _Limit(self._open, loop.time() + seconds)

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in self._open:
            limit.check(now)
        self._timer = loop.call_later(PRECISION, self._check) if self._open else None


class _Limit:
    __slots__ = ("_cancelling", "_deadline", "_expired", "_open", "_task")

    _task: asyncio.Task[object]
    _cancelling: int

    def __init__(self, opened: set[_Limit], deadline: float) -> None:
        self._open = opened
        self._deadline = deadline
        self._expired = False

    def check(self, now: float) -> None:
        """Cancel the block if its time is over. It is cancelled only once, because its clean-up may take time."""
        if now >= self._deadline and not self._expired:
            self._expired = True
            self._task.cancel()

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A time limit is kept only within a task.")
        self._task = task
        self._cancelling = task.cancelling()
        self._open.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.discard(self)
        # As in `asyncio.timeout`, a cancel by other code stays in effect.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
