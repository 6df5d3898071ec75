"""A resource that its users on an event loop share: the first one opens it, and the last one closes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


@dataclass
class _Shared:
    """``opening`` is a task of its own, so that a first user that is cancelled does not cancel it for the others."""

    opening: asyncio.Task[Any]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    users: int = 0


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared(key: Hashable, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """
    Share the resource that is open under ``key`` on the running loop, and open it with ``make`` if there is none.

    An error while opening is raised to all users that wait for it. The next user opens it anew.
    """
    everything = _by_loop.setdefault(asyncio.get_running_loop(), {})
    one = everything.get(key)
    if one is None:
        stack = AsyncExitStack()
        opening = asyncio.create_task(stack.enter_async_context(make()))
        one = everything[key] = _Shared(opening, stack)
    one.users += 1
    try:
        yield await asyncio.shield(one.opening)
    finally:
        one.users -= 1
        if one.users == 0:
            if everything.get(key) is one:
                del everything[key]
            await _close(one)


async def _close(one: _Shared) -> None:
    if not one.opening.done():
        one.opening.cancel()
        await asyncio.wait([one.opening])
    await one.stack.aclose()
