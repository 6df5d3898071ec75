"""Find and watch the engine's child processes."""

from __future__ import annotations

from contextlib import suppress

import psutil

from tests.support.waiting import wait_until


def engine_children(parent: int | None = None) -> set[int]:
    """Return the ids of the engine's child processes of a process, by default of this process."""
    found = set()
    for child in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("sandbox.child_main" in argument for argument in child.cmdline()):
                found.add(child.pid)
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs. A zombie does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_at_work(pid: int) -> None:
    """Wait until a process has used a tenth of a second of CPU time from now on."""
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    wait_until(lambda: sum(process.cpu_times()[:2]) > before + 0.1)
