"""A sample of `make attack`."""

from __future__ import annotations

from benchmarks.attack import service
from benchmarks.attack.counts import Counts


async def test_malicious_requests_crash_hang_and_lose_nothing() -> None:
    counts = await service.run(180, seed=7, slow=False)
    assert counts.inputs > 180
    assert counts == Counts(inputs=counts.inputs)
