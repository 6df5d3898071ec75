"""
Run triggers in one event loop as Airflow's triggerer does, with a task and a greenback portal for each.

    python triggerer.py CONTESTANT URL JOBS INTERVAL PATIENCE [RATE]

It first runs one trigger on a job that has ended (number JOBS + 1), so that imports and first calls are not measured.
Then it prints ``ready`` and waits for a line on standard input. After that it runs the triggers of the jobs 1 to JOBS
and prints their cost as JSON. Log lines below WARNING are switched off.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterable

import greenback
import psutil
import structlog
from airflow.triggers.base import BaseTrigger
from contestants import CONTESTANTS, Maker

#: Seconds between two measurements of the loop's lag, and the number of these for each measurement of memory.
_BEAT = 0.05
_BEATS = 20


class Watch:
    """Measures the loop's lag and the process's peak of memory until it is stopped."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.peak = 0
        self._process = psutil.Process()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(_BEAT)
            self.lags.append(time.monotonic() - start - _BEAT)
            if len(self.lags) % _BEATS == 0:
                self.peak = max(self.peak, self._process.memory_info().rss)

    def stop(self) -> None:
        """Stop measuring."""
        self._task.cancel()


async def run(make: Maker, jobs: Iterable[int], patience: float) -> dict[int, float]:
    """Run the triggers of jobs for at most ``patience`` seconds; return the time of each event by number, from 1."""
    fired: dict[int, float] = {}
    deadline = time.monotonic() + patience

    async def run_trigger(number: int, trigger: BaseTrigger) -> None:
        await greenback.ensure_portal()
        try:
            async for event in trigger.run():
                fired[number] = time.monotonic()
                if not _is_good(event.payload):
                    raise SystemExit(f"A trigger fired {event.payload!r}.")
        finally:
            await trigger.cleanup()

    tasks = []
    for number, trigger in enumerate(make(jobs), start=1):
        tasks.append(asyncio.create_task(run_trigger(number, trigger)))
        await asyncio.sleep(0)  # as the triggerer does, twice for each
        await asyncio.sleep(0)
        if time.monotonic() > deadline:  # the triggers block the loop
            break
    done, pending = await asyncio.wait(tasks, timeout=max(0.0, deadline - time.monotonic()))
    for task in pending:
        task.cancel()
    for task in done:
        task.result()
    return fired


def _is_good(payload: object) -> bool:
    return not (isinstance(payload, dict) and payload.get("status") in ("error", "failed", "gave_up", "timeout"))


async def measure(make: Maker, jobs: int, patience: float) -> dict[str, object]:
    """Warm up, wait for a line on standard input, run the triggers, and return the figures."""
    await run(make, [jobs + 1], patience)
    gc.collect()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    memory, before, watch = psutil.Process().memory_info().rss, _cpu(), Watch()
    fired = await run(make, range(1, jobs + 1), patience)
    watch.stop()
    return {
        "cpu": _cpu() - before,
        "memory": watch.peak - memory,
        "lags": watch.lags,
        "fired": fired,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Read the arguments, measure, and print the figures."""
    name, url, jobs, interval, patience, *rate = sys.argv[1:]
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    make = CONTESTANTS[name](url, float(interval), float(rate[0]) if rate else None)
    print(json.dumps(asyncio.run(measure(make, int(jobs), float(patience)))), flush=True)
    os._exit(0)  # peers may leave threads behind


if __name__ == "__main__":
    main()
