"""The engine's child processes, seen from outside."""

from __future__ import annotations

from contextlib import suppress

import psutil

from tests.support.waiting import wait_until


def engine_children(parent: int | None = None) -> set[int]:
    """Return the process ids of the engine's children of a process, by default of this one."""
    found = set()
    for child in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("sandbox.child_main" in argument for argument in child.cmdline()):
                found.add(child.pid)
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_at_work(pid: int) -> None:
    """Wait until a process has used a tenth of a second of CPU time from now on."""
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    wait_until(lambda: sum(process.cpu_times()[:2]) > before + 0.1)
