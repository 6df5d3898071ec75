"""Decide which of Airflow's metrics count an entry of a batch record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_provider_classify.batch.record_entry import Entry, State
from airflow_provider_classify.model import measurements
from airflow_provider_classify.model.measurements import Measurement


def measured(entry: Entry, backend: str, backend_of: Mapping[str, str]) -> Iterator[Measurement]:
    """
    Yield the measurements of a new entry.

    :param backend: the backend that runs this part of the batch. Only an API records its submits. The others classify
        on the worker, and count a submit when the document has its outcome.
    :param backend_of: the backends of a cascade by connection id. The first answer can stand after the second failed.
    """
    if entry.state is State.SUBMITTED or (backend != "api" and entry.state is not State.LOST):
        yield measurements.submitted(backend)
    if entry.state is State.CLASSIFIED:
        answered_by = backend_of.get(str((entry.cascade or {}).get("answered_by")), backend)
        yield measurements.completed(answered_by, (entry.result or {}).get("classification"))
    elif entry.state is State.FAILED:
        yield measurements.failed(backend, entry.error_kind)
