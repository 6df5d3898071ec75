"""Record spans with Airflow's tracer: the submit of a document, the wait for its job, and a batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_classify.lifecycle import compat

SUBMIT = "classify.submit"
WAIT = "classify.wait"
BATCH = "classify.batch"
#: The prefix of the attributes of a span.
_PREFIX = "classify."
#: The attribute with the id of the job, which is known at the end of a submit.
JOB_ID = "classify.job_id"


@contextmanager
def span(name: str, **attributes: str | int | float | bool | None) -> Iterator[Any]:
    """
    Record a block as a span, a child of the span of its task or trigger. An exception marks the span as failed.

    Without ``[traces] otel_on`` in Airflow's configuration, nothing is recorded. Do not yield from the block in an
    asynchronous generator, because the span belongs to the context in which the block began.

    :param attributes: the attributes of the span, without their prefix. Those that are ``None`` are left out.
    """
    present = {f"{_PREFIX}{key}": value for key, value in attributes.items() if value is not None}
    with compat.tracer().start_as_current_span(name, attributes=present) as span:
        yield span
