"""Publish the rows of a batch: write its output, log its summary, and return the value for XCom."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_classify.batch.output import write_output
from airflow_provider_classify.batch.summary import FailureLimit, Summary, small
from airflow_provider_classify.exceptions import BatchFailed
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable

log = logging.getLogger(__name__)


def publish(
    rows: Iterable[Mapping[str, Any]],
    output: str | None,
    limit: FailureLimit,
    on_unreadable: OnUnreadable,
    *,
    to_clear: str,
) -> Any:
    """
    Write the output and log the errors of documents.

    :param on_unreadable: as in :meth:`Batch.finish`.
    :param to_clear: the task or tasks that a user clears to classify the failed documents again.
    :returns: the manifest; without an output, the rows.
    :raises BatchFailed: more documents failed than the limit allows. The output is written.
    """
    summary = Summary(on_unreadable)
    counted = summary.count(rows)
    if output:
        write_output(output, counted)
        value: Any = summary.manifest(output)
    else:
        value = [small(row) for row in counted]
    for failure in summary.failures:
        log.warning("Not classified: %s", failure["error"])
    for line in summary.lines(output):
        log.info("%s", line)
    if limit.is_exceeded(summary.failed, summary.documents):
        unreadable = (
            f"correct or remove the {summary.failed_unreadable} that cannot be read (or set on_unreadable='result'), "
            if summary.failed_unreadable
            else ""
        )
        raise BatchFailed(
            f"{summary.failed} of {summary.documents} documents were not classified, more than {limit} allows; see "
            f"their errors in {output or 'the log'}, {unreadable}and clear {to_clear} to classify them again."
        )
    return value
