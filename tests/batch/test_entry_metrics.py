"""What Airflow's metrics count of the entries of a batch."""

from __future__ import annotations

import pytest

from airflow_provider_classify.batch.entry_metrics import measured
from airflow_provider_classify.batch.record_entry import Entry, State
from airflow_provider_classify.exceptions import DocumentCorrupt
from airflow_provider_classify.model import measurements

RESULT = {"classification": "letter"}


def of(entry, backend, backend_of=None):
    return list(measured(entry, backend, backend_of or {}))


def test_an_api_counts_a_submit_and_its_answer_at_their_times():
    assert of(Entry("f", State.SUBMITTED, "job"), "api") == [measurements.submitted("api")]
    entry = Entry("f", State.CLASSIFIED, "job", result=RESULT)
    assert of(entry, "api") == [measurements.completed("api", "letter")]


@pytest.mark.parametrize("backend", ["local", "model"])
def test_a_backend_on_the_worker_counts_both_together(backend):
    entry = Entry("f", State.CLASSIFIED, result=RESULT)
    assert of(entry, backend) == [measurements.submitted(backend), measurements.completed(backend, "letter")]


def test_an_escalated_document_has_no_answer_yet():
    entry = Entry("f", State.ESCALATED, result=RESULT)
    assert of(entry, "local") == [measurements.submitted("local")]
    assert of(entry, "api") == []


def test_a_lost_job_counts_nothing():
    assert of(Entry("f", State.LOST), "api") == of(Entry("f", State.LOST), "local") == []


def test_a_failure_has_the_kind_of_its_error():
    entry = Entry.failure("f", DocumentCorrupt("It is damaged."))
    assert of(entry, "api") == [measurements.failed("api", "DocumentCorrupt")]


def test_the_first_answer_of_a_cascade_can_stand():
    entry = Entry("f", State.CLASSIFIED, "job", result=RESULT, cascade={"answered_by": "engine"})
    backend_of = {"engine": "local", "paid": "api"}
    assert of(entry, "api", backend_of) == [measurements.completed("local", "letter")]
