"""Fail a task without a retry if a retry cannot help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import ClassifyError


@contextmanager
def fail_without_retry() -> Iterator[None]:
    """
    Raise errors that are not retryable as ``AirflowFailException``, so that Airflow does not retry the task.

    With a wrong api key or a damaged document every retry would fail, and the user may pay for each. Only
    ``AirflowFailException`` ends a task without retries. The exception has the message of the error, and the error is
    its cause.
    """
    try:
        yield
    except ClassifyError as error:
        if error.retryable:
            raise
        raise AirflowFailException(f"{error.kind}: {error}") from error
