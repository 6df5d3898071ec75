from __future__ import annotations

import os

import pytest

from airflow_provider_classify.engine.cores import available_cores, limit_in_cores


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("max", "100000", None), ("-1", "100000", None), ("50000", "100000", 1), ("250000", "100000\n", 3)],
)
def test_limit_of_a_container(quota: str, period: str, cores: int | None) -> None:
    assert limit_in_cores(quota, period) == cores


def test_available_cores_are_at_most_the_affinity() -> None:
    assert 1 <= available_cores() <= len(os.sched_getaffinity(0))
