"""Require a minimum rate of a body: of an upload from a client, or of a reply from a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """
    The slowest rate at which a body may arrive.

    :param idle_seconds: the most seconds without a byte.
    :param grace_seconds: seconds that a body may take in addition to what ``bytes_per_second`` allows for its size.
    :param bytes_per_second: the average rate that a body must reach when the grace is used up.
    """

    idle_seconds: float = 15.0
    grace_seconds: float = 30.0
    bytes_per_second: float = 4096.0


@dataclass(slots=True, eq=False)
class PacedBody:
    """A body while it arrives. Only the time spent waiting for bytes counts, not the time spent handling them."""

    chunks: AsyncIterator[bytes]
    pace: Pace
    last_byte_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _received: int = 0
    _waited: float = 0.0
    _wait: asyncio.Timeout | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """
        Yield the body in pieces.

        :raises TimeoutError: the body arrives too slowly, or :meth:`end` ended the wait for it.
        """
        loop = asyncio.get_running_loop()
        iterator = aiter(self.chunks)
        while True:
            started = loop.time()
            try:
                async with asyncio.timeout(self._seconds_left()) as self._wait:
                    chunk = await anext(iterator)
            except StopAsyncIteration:
                return
            finally:
                self._wait = None
                self.last_byte_at = loop.time()
                self._waited += self.last_byte_at - started
            self._received += len(chunk)
            yield chunk

    def end(self) -> bool:
        """End the wait for the next piece. Return whether the body was waiting for one."""
        if self._wait is None or self._wait.expired():
            return False
        self._wait.reschedule(asyncio.get_running_loop().time())
        return True

    def _seconds_left(self) -> float:
        """Return the seconds until the next piece must have arrived."""
        allowed = self.pace.grace_seconds + self._received / self.pace.bytes_per_second
        return min(self.pace.idle_seconds, allowed - self._waited)
