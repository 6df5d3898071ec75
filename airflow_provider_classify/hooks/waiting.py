"""Wait for a job in a thread. :func:`~airflow_provider_classify.job_session.wait_for` waits on an event loop."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.lifecycle import metrics
from airflow_provider_classify.model import measurements, polling
from airflow_provider_classify.model.api_contract import SHORTEST_PAUSE
from airflow_provider_classify.model.job import Job

if TYPE_CHECKING:
    from airflow_provider_classify.hooks.backend import Backend


def look(backend: Backend, job_id: str, *, timeout: float | None = None) -> Job | ClassifyError:
    """Return the current state of a job, or a retryable error; see :meth:`ClassifyHook.look`."""
    metrics.send(measurements.looked(backend.backend_name))
    try:
        return backend.get(job_id, timeout=timeout)
    except ClassifyError as error:
        if not error.retryable:
            raise
        return error


def wait_in_thread(backend: Backend, wait: polling.Wait, log: Any) -> Job:
    """Wait for a job; see :meth:`ClassifyHook.wait`."""
    while True:
        left = max(0.0, wait.deadline - time.time()) + SHORTEST_PAUSE
        seen = look(backend, wait.job_id, timeout=left)
        status = seen.status if isinstance(seen, Job) else seen
        step = polling.after(wait, status, now=time.time(), chance=random.random())
        if isinstance(step, polling.GaveUp):
            raise step.error
        if isinstance(seen, Job) and isinstance(step, polling.Ended):
            return seen
        if isinstance(step, polling.LookAgain):
            log.info("%s; asking again in %.1f s.", describe(wait.job_id, seen), step.seconds)
            time.sleep(step.seconds)


def describe(job_id: str, seen: Job | ClassifyError) -> str:
    """Describe the outcome of a request for a job, for a log line."""
    return f"Job {job_id} is {seen.status}" if isinstance(seen, Job) else f"Job {job_id} could not be read ({seen})"
