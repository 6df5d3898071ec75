"""The limits that requests share: kept for each, and without touching what was cancelled for another reason."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_classify.api.time_limits import TimeLimits


async def hang() -> None:
    await asyncio.Event().wait()


async def test_a_block_that_takes_too_long_ends_with_a_timeout_error() -> None:
    limits = TimeLimits()
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError), limits.limit(0.01):
            await hang()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_block_has_its_own_limit() -> None:
    limits = TimeLimits()
    ended: list[str] = []

    async def run(name: str, seconds: float) -> None:
        with pytest.raises(TimeoutError), limits.limit(seconds):
            await hang()
        ended.append(name)

    async with asyncio.timeout(10):
        await asyncio.gather(run("long", 0.5), run("short", 0.01))
    assert ended == ["short", "long"]


async def test_a_block_that_ends_in_time_is_not_cancelled_later() -> None:
    limits = TimeLimits()
    with limits.limit(0.01):
        pass
    with pytest.raises(TimeoutError), limits.limit(0.01):  # the same timer has looked by then
        await hang()


async def test_the_timer_stops_with_the_last_block_and_starts_again() -> None:
    limits = TimeLimits()
    for _ in range(2):
        with pytest.raises(TimeoutError), limits.limit(0.01):
            await hang()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):  # the timer runs out
                await hang()


async def test_a_cancel_from_elsewhere_stays_a_cancel() -> None:
    limits = TimeLimits()

    async def run() -> None:
        with limits.limit(60):
            await hang()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_together_with_the_limit_stays_a_cancel() -> None:
    limits = TimeLimits()

    async def run() -> None:
        with limits.limit(0.0):
            try:
                await hang()
            except asyncio.CancelledError:  # of the limit; the other comes while the block cleans up
                current.cancel()
                raise

    current = asyncio.create_task(run())
    with pytest.raises(asyncio.CancelledError):
        await current


async def test_the_limit_of_an_inner_block_leaves_the_outer_one() -> None:
    limits = TimeLimits()
    with limits.limit(60):
        with pytest.raises(TimeoutError), limits.limit(0.01):
            await hang()
        await asyncio.sleep(0)


async def test_the_error_of_a_block_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match="own"), TimeLimits().limit(60):
        raise ValueError("own")


def test_a_limit_needs_a_task() -> None:
    loop = asyncio.new_event_loop()
    raised: list[BaseException] = []

    def enter() -> None:
        try:
            with TimeLimits().limit(1):
                pass
        except RuntimeError as error:
            raised.append(error)

    loop.call_soon(enter)
    loop.call_later(0, loop.stop)
    loop.run_forever()
    loop.close()
    assert "within a task" in str(raised[0])
