"""A sample of ``make attack``: both drivers against an API that lies, drips, floods and breaks off."""

from __future__ import annotations

import pytest

from benchmarks.attack import client
from benchmarks.attack.counts import Counts
from benchmarks.attack.malicious_api import CASES


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_input_ends_in_a_result_or_an_error_of_its_own() -> None:
    count = 2 * len(CASES)
    assert await client.run(count, seed=11) == Counts(inputs=count)
