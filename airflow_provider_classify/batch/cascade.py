"""The entries of a batch with a cascade: decide the entry for each outcome of a connection."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_classify.batch.record_entry import Entry, State
from airflow_provider_classify.exceptions import error_of_kind
from airflow_provider_classify.model.cascade import Accept, Cascade, Escalate, Outcome, after_first, after_second
from airflow_provider_classify.model.result import ClassificationResult


def next_entry(cascade: Cascade, first: Entry | None, entry: Entry) -> Entry:
    """
    Return the entry to record for a document: its result, its failure, or its escalation.

    :param first: the entry that escalated the document; ``None`` if ``entry`` is of the first connection.
    :param entry: the result or failure of the connection that was asked last.
    :raises InvalidReply: the result is not valid.
    """
    if first is None:
        step = after_first(cascade, _outcome(cascade.first, entry))
    else:
        step = after_second(_outcome(cascade.first, first), _outcome(cascade.second, entry))
    if isinstance(step, Escalate):
        return replace(entry, state=State.ESCALATED)
    if isinstance(step, Accept) and first is not None and entry.state is State.FAILED:
        entry = replace(first, state=State.CLASSIFIED)  # the first answer stands
    return replace(entry, cascade=step.fields)


def _outcome(conn_id: str, entry: Entry) -> Outcome:
    if entry.result is not None:
        return Outcome(conn_id, ClassificationResult.from_json(entry.result), entry.job_id)
    return Outcome(conn_id, error_of_kind(entry.error_kind, str(entry.error)), entry.job_id)
