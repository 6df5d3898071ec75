"""Count the cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_CGROUP_V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cores() -> int:
    """
    Return the number of cores that the machine, the process's affinity and its container allow; at least 1.

    A container may see every core of its host, although its limit is the time of one core.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _container_cores() or cores))


def _container_cores() -> int | None:
    """Return the container's limit in cores, rounded up, or ``None`` without a limit."""
    try:
        if _CGROUP_V2.exists():
            quota, period = _CGROUP_V2.read_text().split()
        else:
            quota, period = _CGROUP_V1_QUOTA.read_text(), _CGROUP_V1_PERIOD.read_text()
    except OSError:
        return None
    return limit_in_cores(quota, period)


def limit_in_cores(quota: str, period: str) -> int | None:
    """
    Return the number of cores that a CPU limit allows, rounded up, or ``None`` without a limit.

    :param quota: microseconds of CPU time for each period; ``max`` and -1 mean no limit.
    :param period: the period in microseconds.
    """
    if quota.strip() in ("max", "-1"):
        return None
    return -(-int(quota) // int(period))
