"""The service returns the memory that it has freed. Each test measures a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

if not hasattr(ctypes.CDLL(None), "malloc_trim"):
    pytest.skip("only glibc can return freed memory", allow_module_level=True)

#: Allocates 2,000 blocks with a small object behind each, frees the blocks, and prints how many MB the process keeps.
SCRIPT = """
import sys, time, psutil
from airflow_provider_classify.service.freed_memory import limit_fragmentation, released

def grown():
    return psutil.Process().memory_info().rss / 2**20 - first

size, what = int(sys.argv[1]), sys.argv[2]
if what == "limit":
    limit_fragmentation()
first = psutil.Process().memory_info().rss / 2**20
blocks, kept = [], []
for number in range(2000):
    blocks.append(b"x" * size)
    kept.append(b"x" * (1000 + number % 2))  # not a constant expression, which would be one object
assert grown() > 80, grown()
blocks.clear()
if what == "release":
    with released(0.05):
        deadline = time.monotonic() + 60
        while grown() > 20 and time.monotonic() < deadline:
            time.sleep(0.05)
print(grown())
"""


def megabytes_kept(size: int, what: str = "nothing") -> float:
    command = [sys.executable, "-c", SCRIPT, str(size), what]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def test_large_blocks_are_returned_at_once() -> None:
    assert megabytes_kept(70_000) > 80
    assert megabytes_kept(70_000, "limit") < 20


def test_gaps_between_small_objects_are_returned_later() -> None:
    assert megabytes_kept(50_000) > 80
    assert megabytes_kept(50_000, "release") < 20
