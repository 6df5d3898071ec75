"""Share a resource on an event loop. Its first user opens it, and its last user closes it."""

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
    """``opening`` is a separate task, so that it continues if the user that started it is cancelled."""

    opening: asyncio.Task[Any]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    users: int = 0


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared(key: Hashable, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """
    Share the resource with this ``key`` on the running loop. If it is not open, open it with ``make``.

    If it cannot be opened, all users that wait for it get the error. The next user tries again.
    """
    resources = _by_loop.setdefault(asyncio.get_running_loop(), {})
    one = resources.get(key)
    if one is None:
        stack = AsyncExitStack()
        opening = asyncio.create_task(stack.enter_async_context(make()))
        one = resources[key] = _Shared(opening, stack)
    one.users += 1
    try:
        yield await asyncio.shield(one.opening)
    finally:
        one.users -= 1
        if one.users == 0:
            if resources.get(key) is one:
                del resources[key]
            await _close(one)


async def _close(one: _Shared) -> None:
    if not one.opening.done():
        one.opening.cancel()
        await asyncio.wait([one.opening])
    await one.stack.aclose()
