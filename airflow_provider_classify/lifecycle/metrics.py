"""Send measurements to Airflow's metrics, in a task or in a trigger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.model import measurements
from airflow_provider_classify.model.measurements import Count, Measurement


def send(*sent: Measurement) -> None:
    """Send measurements. Without ``[metrics]`` in Airflow's configuration, nothing is sent."""
    stats = compat.stats()
    for measurement in sent:
        if isinstance(measurement, Count):
            stats.incr(measurement.name, measurement.value, tags=dict(measurement.tags))
        else:
            stats.timing(measurement.name, timedelta(seconds=measurement.seconds), tags=dict(measurement.tags))


def look_counter(backend: str) -> Callable[[int], None]:
    """Return a function that counts the jobs whose status was requested."""

    def count(jobs: int) -> None:
        send(measurements.looked(backend, jobs))

    return count
