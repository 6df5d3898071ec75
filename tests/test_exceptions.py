from __future__ import annotations

import pytest

from airflow_provider_classify import exceptions
from airflow_provider_classify.exceptions import ClassifyError, JobFailed, error_of_kind

KINDS = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, ClassifyError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_travels_by_name(kind: type[ClassifyError]) -> None:
    error = kind("The document a.pdf is empty.", retry_after=3.0)
    again = error_of_kind(error.kind, str(error))
    assert type(again) is kind
    assert str(again) == "The document a.pdf is empty."


@pytest.mark.parametrize("name", [None, "", "SomethingElse", "Exception", "classifyerror"])
def test_a_name_that_is_none_of_ours_is_a_failed_job(name: str | None) -> None:
    error = error_of_kind(name, "The file could not be opened.")
    assert type(error) is JobFailed
    assert str(error) == "The file could not be opened."


def test_only_what_a_later_call_can_overcome_is_retryable() -> None:
    assert {kind.__name__ for kind in KINDS if kind.retryable} == {
        "BatchIncomplete",
        "StorageFull",
        "StorageUnavailable",
        "EngineClosed",
        "EngineNotStarted",
        "DocumentNotReadable",
        "RateLimited",
        "ApiUnavailable",
        "ApiOverloaded",
        "ApiNotReached",
        "ApiConnectionLost",
        "InvalidReply",
        "JobTimedOut",
        "JobRecordUnavailable",
        "TaskStateUnavailable",
    }


def test_only_a_fault_of_the_document_itself_is_unreadable() -> None:
    unreadable = {kind.__name__ for kind in KINDS if kind.unreadable}
    assert unreadable == {
        "DocumentError",
        "DocumentNotAFile",
        "DocumentNotFound",
        "DocumentEmpty",
        "DocumentTypeUnknown",
        "DocumentCorrupt",
        "DocumentEncrypted",
        "DocumentPlaceholder",
        "DocumentNeedsOcr",
        "DocumentTooLarge",
        "DocumentTookTooLong",
        "DocumentCrashedParser",
        "DocumentRefused",
        "JobFailed",
    }
    assert not any(kind.retryable for kind in KINDS if kind.unreadable)
