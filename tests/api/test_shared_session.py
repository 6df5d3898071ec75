from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from airflow_provider_classify.api.shared_session import shared


class Line:
    """Counts how often it is opened and closed; opening takes a moment."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opened = self.closed = 0
        self.error = error

    @asynccontextmanager
    async def __call__(self):
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1


async def use(line, seconds=0.0, key="key"):
    async with shared(key, line) as got:
        await asyncio.sleep(seconds)
        return got


async def test_all_that_come_together_share_one():
    line = Line()
    assert await asyncio.gather(*(use(line) for _ in range(10))) == [line] * 10
    assert (line.opened, line.closed) == (1, 1)


async def test_who_comes_after_the_last_has_left_opens_anew():
    line = Line()
    await use(line)
    await use(line)
    assert (line.opened, line.closed) == (2, 2)


async def test_other_keys_have_their_own():
    one, other = Line(), Line()
    assert await asyncio.gather(use(one, key="one"), use(other, key="other")) == [one, other]


async def test_a_first_comer_that_is_cancelled_takes_nobody_along():
    line = Line()
    first, second = asyncio.create_task(use(line)), asyncio.create_task(use(line))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is line
    assert (line.opened, line.closed) == (1, 1)


async def test_one_that_nobody_waits_for_any_more_is_not_left_open():
    line = Line()
    only = asyncio.create_task(use(line))
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.wait([only])
    await asyncio.sleep(0.05)
    assert line.opened == line.closed


async def test_an_error_reaches_everyone_and_the_next_tries_anew():
    line = Line(error=ValueError("no"))
    assert [type(e) for e in await asyncio.gather(use(line), use(line), return_exceptions=True)] == [ValueError] * 2
    line.error = None
    assert await use(line) is line


def test_each_loop_has_its_own():
    line = Line()
    asyncio.run(use(line))
    asyncio.run(use(line))
    assert line.opened == 2


@pytest.mark.parametrize("users", [1, 5])
async def test_it_stays_open_while_one_is_left(users):
    line = Line()
    lasting = asyncio.create_task(use(line, 0.05))
    await asyncio.gather(*(use(line) for _ in range(users)))
    assert line.closed == 0
    await lasting
    assert line.closed == 1
