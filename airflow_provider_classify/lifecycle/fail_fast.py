"""Tell Airflow which errors a retry of the task cannot mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import ClassifyError


@contextmanager
def only_if_useful() -> Iterator[None]:
    """
    Let Airflow retry what a retry can mend, and fail at once on the rest.

    A wrong key or a damaged document stays so: the task would use up its retries, and may pay for
    each. Airflow ends a task without retries on ``AirflowFailException`` alone, so that is raised,
    with the error's own words and the error as its cause.
    """
    try:
        yield
    except ClassifyError as error:
        if error.retryable:
            raise
        raise AirflowFailException(f"{error.kind}: {error}") from error
