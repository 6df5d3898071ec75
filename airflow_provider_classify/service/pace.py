"""Limits for a body that arrives slowly, whoever sends it: a client that uploads, or a server that is fetched from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """
    The slowest that a body may arrive.

    :param idle_seconds: how long no byte may come.
    :param grace_seconds: how long a body may take beside what ``bytes_per_second`` allows for its size.
    :param bytes_per_second: the rate that a body must reach on average, once the grace is used up.
    """

    idle_seconds: float = 15.0
    grace_seconds: float = 30.0
    bytes_per_second: float = 4096.0


@dataclass(slots=True, eq=False)
class PacedBody:
    """A body while it arrives. Only the time spent on waiting for bytes counts, not that spent on handling them."""

    chunks: AsyncIterator[bytes]
    pace: Pace
    last_byte_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _received: int = 0
    _waited: float = 0.0
    _wait: asyncio.Timeout | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """
        Yield the pieces.

        :raises TimeoutError: the body arrives too slowly, or was ended.
        """
        loop = asyncio.get_running_loop()
        iterator = aiter(self.chunks)
        while True:
            started = loop.time()
            try:
                async with asyncio.timeout(self._patience()) as self._wait:
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
        """End the wait for the next piece; return whether there was such a wait."""
        if self._wait is None or self._wait.expired():
            return False
        self._wait.reschedule(asyncio.get_running_loop().time())
        return True

    def _patience(self) -> float:
        allowed = self.pace.grace_seconds + self._received / self.pace.bytes_per_second
        return min(self.pace.idle_seconds, allowed - self._waited)
