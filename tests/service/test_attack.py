"""A sample of `make attack`."""

from __future__ import annotations

from benchmarks.attack import service
from benchmarks.attack.counts import Counts
from benchmarks.attack.malicious_requests import KINDS


async def test_malicious_requests_crash_hang_and_lose_nothing() -> None:
    count = 3 * KINDS
    counts = await service.run(count, seed=7, slow=False)
    assert counts.inputs > count
    assert counts == Counts(inputs=counts.inputs)
