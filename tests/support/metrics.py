"""Send the metrics of this process to a StatsD server of the test, as Airflow does in a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.statsd import StatsD, statsd_server


@contextmanager
def sent_metrics() -> Iterator[StatsD]:
    """Configure Airflow's metrics as its task runner does, and provide the server that gets them."""
    stats = pytest.importorskip("airflow.sdk.observability.stats", reason="the metrics of Airflow 3.2 or newer")
    from airflow.sdk.observability.metrics import stats_utils

    with statsd_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        _initialize(stats, stats_utils)
        try:
            yield server
        finally:
            patch.undo()
            _initialize(stats, stats_utils)


def _initialize(stats: Any, stats_utils: Any) -> None:
    if hasattr(stats, "initialize"):
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    else:  # Airflow 3.2
        stats.Stats.initialize(factory=stats_utils.get_stats_factory(stats.Stats))
