"""
The service's metrics for Prometheus.

Each process counts what it has done itself since its start. The gauges of the queue are read from the record of jobs
at each scrape, so all processes on one record show the same values.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from airflow_provider_classify.exceptions import JobRecordUnavailable
from airflow_provider_classify.job_record.backlog import Backlog

#: The upper bounds of the buckets of seconds. A page of text takes milliseconds; a scan of many pages takes minutes.
SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
#: The most categories with a count of their own. Clients choose the names, and each name adds a time series.
MAX_CATEGORIES = 200
#: The name under which the other categories are counted together.
OTHER_CATEGORIES = "(others)"

_log = logging.getLogger(__name__)


class Metrics:
    """
    The metrics of one process. All methods are thread-safe.

    :param max_categories: the most categories with a count of their own.
    """

    def __init__(self, *, max_categories: int = MAX_CATEGORIES) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._submitted = Counter("classify_jobs_submitted", "Jobs that were accepted", registry=self.registry)
        self._ended = Counter(
            "classify_jobs_ended",
            "Jobs that ended, by status and by the category of the answer",
            ["status", "category"],
            registry=self.registry,
        )
        self._refusals = Counter(
            "classify_refusals", "Requests that were refused, by kind", ["kind"], registry=self.registry
        )
        self._webhooks = Counter(
            "classify_webhooks", "Tries to send a webhook, by outcome", ["outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "classify_stage_seconds",
            "Seconds of a job's stages: receive, fetch, wait, classify, webhook",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._max_categories = max_categories
        self._categories: set[str] = set()
        self._lock = threading.Lock()

    def count_submit(self) -> None:
        """Count a job that was accepted."""
        self._submitted.inc()

    def count_end(self, status: str, category: str | None) -> None:
        """Count a job that ended; ``category`` is the answer, if there is one."""
        self._ended.labels(status, self._counted_as(category or "")).inc()

    def count_refusal(self, kind: str) -> None:
        """Count a request that was refused."""
        self._refusals.labels(kind).inc()

    def count_webhook(self, outcome: str) -> None:
        """Count a try to send a webhook: ``accepted``, ``retried`` later, or ``given_up``."""
        self._webhooks.labels(outcome).inc()

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add the seconds of one stage of a job."""
        self._seconds.labels(stage).observe(seconds)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of the block as a stage of a job."""
        with self._seconds.labels(stage).time():
            yield

    def watch(self, *, backlog: Callable[[], Backlog], restarts: Callable[[], int] | None = None) -> None:
        """
        Call these functions at each scrape, and show what they return.

        :param backlog: returns the number of jobs that have not ended.
        :param restarts: returns how often a process of the engine was replaced; ``None`` for a process without engine.
        """
        self.registry.register(_Watched(backlog, restarts))

    def _counted_as(self, category: str) -> str:
        with self._lock:
            if category not in self._categories:
                if len(self._categories) >= self._max_categories:
                    return OTHER_CATEGORIES
                self._categories.add(category)
            return category


class _Watched(Collector):
    def __init__(self, backlog: Callable[[], Backlog], restarts: Callable[[], int] | None) -> None:
        self._backlog = backlog
        self._restarts = restarts

    def describe(self) -> Iterator[Metric]:
        """Return no names. Without this method, the registration would call :meth:`collect` and read the record."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics."""
        if self._restarts is not None:
            yield CounterMetricFamily(
                "classify_worker_restarts",
                "Processes of the engine that were replaced: after a crash, a timeout, or many documents",
                value=self._restarts(),
            )
        up = GaugeMetricFamily("classify_record_up", "Whether the record of jobs can be read")
        try:
            backlog = self._backlog()
        except JobRecordUnavailable as error:
            _log.error("The gauges of the queue are missing, because the record cannot be read: %s", error)
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            jobs = GaugeMetricFamily("classify_jobs", "Jobs that have not ended, by status", labels=["status"])
            jobs.add_metric(["queued"], backlog.queued)
            jobs.add_metric(["processing"], backlog.processing)
            yield jobs
            yield GaugeMetricFamily(
                "classify_oldest_queued_seconds",
                "Seconds since the submit of the oldest job that waits; 0 if none waits",
                value=backlog.oldest_queued_seconds,
            )
        yield up
