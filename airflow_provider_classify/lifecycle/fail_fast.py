"""Tell Airflow which errors a retry of the task cannot mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import ClassifyError


@contextmanager
def fail_without_retry() -> Iterator[None]:
    """
    Let the task fail at once on an error that a retry would meet again; raise any other as it is.

    A wrong key or a damaged document would use up all retries, and the user may pay for each. Airflow ends a
    task without retries on ``AirflowFailException`` alone, so that is raised, with the words of the error
    and the error as its cause.
    """
    try:
        yield
    except ClassifyError as error:
        if error.retryable:
            raise
        raise AirflowFailException(f"{error.kind}: {error}") from error
