"""What follows the answer of each connection of a cascade."""

from __future__ import annotations

import json

import pytest

from airflow_provider_classify.exceptions import (
    ApiNotReached,
    AuthenticationRejected,
    ClassifyError,
    DocumentCorrupt,
    DocumentCrashedParser,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentNeedsOcr,
    DocumentNotAllowed,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentPlaceholder,
    DocumentTookTooLong,
    DocumentTooLarge,
    DocumentTypeUnknown,
    InvalidReply,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    QuotaExceeded,
)
from airflow_provider_classify.model.cascade import (
    Accept,
    Cascade,
    Escalate,
    Fail,
    Outcome,
    after_first,
    after_second,
    is_escalated,
)
from airflow_provider_classify.model.result import ClassificationResult

CASCADE = Cascade("engine", "api", 0.9)


def result(category: str | None = "invoice", confidence: float = 0.95) -> ClassificationResult:
    return ClassificationResult(True, category, confidence, 1, 1, blank=category is None, extra={"engine": "e 1"})


def first(end: ClassificationResult | ClassifyError) -> Outcome:
    return Outcome("engine", end, "job-1")


def second(end: ClassificationResult | ClassifyError) -> Outcome:
    return Outcome("api", end, "job-2")


@pytest.mark.parametrize("confidence", [0.9, 0.95, 1.0])
def test_an_answer_that_reaches_the_threshold_stands(confidence):
    answer = result(confidence=confidence)
    assert after_first(CASCADE, first(answer)) == Accept(answer, "job-1", {"answered_by": "engine"})


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.8999])
def test_an_answer_below_it_goes_on(confidence):
    step = after_first(CASCADE, first(result(confidence=confidence)))
    assert isinstance(step, Escalate)
    assert "below 0.9" in step.reason


def test_a_blank_document_does_not():
    blank = result(None, 0.0)
    assert after_first(CASCADE, first(blank)) == Accept(blank, "job-1", {"answered_by": "engine"})


@pytest.mark.parametrize(
    "kind",
    [
        DocumentTypeUnknown,
        DocumentPlaceholder,
        DocumentNeedsOcr,
        DocumentTooLarge,
        DocumentTookTooLong,
        DocumentCrashedParser,
        JobFailed,
    ],
)
def test_what_this_classifier_could_not_read_goes_on(kind):
    step = after_first(CASCADE, first(kind("why")))
    assert isinstance(step, Escalate)
    assert kind.__name__ in step.reason


@pytest.mark.parametrize(
    "kind",
    [
        DocumentNotFound,
        DocumentNotAllowed,
        DocumentNotReadable,
        DocumentEmpty,
        DocumentCorrupt,
        DocumentEncrypted,
        JobCancelled,
        JobTimedOut,
        InvalidReply,
        AuthenticationRejected,
        QuotaExceeded,
        ApiNotReached,
    ],
)
def test_what_no_classifier_can_read_and_what_is_not_about_the_document_does_not(kind):
    error = kind("why")
    assert after_first(CASCADE, first(error)) == Fail(error, "job-1")


@pytest.mark.parametrize("end", [result(confidence=0.1), DocumentNeedsOcr("It is an image.")])
def test_without_a_second_connection_every_answer_stands(end):
    expected = Accept(end, "job-1") if isinstance(end, ClassificationResult) else Fail(end, "job-1")
    assert after_first(None, first(end)) == expected


@pytest.mark.parametrize("answer", [result("letter", 0.99), result("letter", 0.1), result(None, 0.0)])
def test_the_second_answer_stands_whatever_its_confidence(answer):
    step = after_second(first(result(confidence=0.62)), second(answer))
    assert step == Accept(
        answer,
        "job-2",
        {
            "answered_by": "api",
            "escalated": True,
            "first_answer": {
                "answered_by": "engine",
                "job_id": "job-1",
                "classification": "invoice",
                "confidence": 0.62,
                "engine": "e 1",
            },
        },
    )


def test_a_value_of_an_older_version_is_escalated_by_its_first_answer():
    assert is_escalated({"first_answer": {"confidence": 0.5}})
    assert is_escalated({"escalated": True})
    assert not is_escalated({"answered_by": "engine"})
    assert not is_escalated({"escalated": False})


def test_so_it_does_after_an_error_of_the_first():
    step = after_second(first(DocumentNeedsOcr("It is an image.")), second(result()))
    assert isinstance(step, Accept)
    assert step.fields["first_answer"] == {
        "answered_by": "engine",
        "job_id": "job-1",
        "error": "It is an image.",
        "error_kind": "DocumentNeedsOcr",
    }


@pytest.mark.parametrize("kind", [JobFailed, DocumentTooLarge, DocumentCorrupt])
def test_if_the_second_cannot_classify_it_the_first_answer_stands_and_is_marked(kind):
    answer = result(confidence=0.62)
    step = after_second(first(answer), second(kind("It is odd.")))
    assert isinstance(step, Accept)
    assert (step.result, step.job_id) == (answer, "job-1")
    assert (step.fields["answered_by"], step.fields["escalation_error"]) == ("engine", "It is odd.")
    assert step.fields["first_answer"]["confidence"] == 0.62


@pytest.mark.parametrize(
    "kind", [AuthenticationRejected, QuotaExceeded, ApiNotReached, JobTimedOut, DocumentNotReadable, JobCancelled]
)
def test_any_other_error_of_the_second_fails(kind):
    error = kind("why")
    step = after_second(first(result(confidence=0.62)), second(error))
    assert isinstance(step, Fail)
    assert step.error is error


def test_without_a_first_answer_the_second_error_counts():
    error = JobFailed("why")
    step = after_second(first(DocumentTookTooLong("long")), second(error))
    assert isinstance(step, Fail)
    assert step.error is error
    assert step.fields["first_answer"]["error_kind"] == "DocumentTookTooLong"


@pytest.mark.parametrize("end", [result(), result(None, 0.0), DocumentNeedsOcr("It is an image.")])
def test_an_outcome_can_be_read_again(end):
    again = Outcome.from_json(json.loads(json.dumps(first(end).to_json())))
    assert again.to_json() == first(end).to_json()
    assert type(again.end) is type(end)
