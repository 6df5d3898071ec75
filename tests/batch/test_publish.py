"""The error of a batch in which too many documents failed."""

from __future__ import annotations

import pytest

from airflow_provider_classify.batch.publish import publish
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.exceptions import BatchFailed


def failure(*kinds: str) -> str:
    rows = [{"document": f"{kind}.pdf", "error": "It failed.", "error_kind": kind} for kind in kinds]
    with pytest.raises(BatchFailed) as raised:
        publish(rows, None, FailureLimit(), "fail", to_clear="the task b")
    return str(raised.value)


def test_the_error_says_how_many_documents_cannot_be_read() -> None:
    message = failure("DocumentCorrupt", "ApiNotReached", "DocumentTypeUnknown")
    assert message.startswith("3 of 3 documents were not classified")
    assert "correct or remove the 2 that cannot be read (or set on_unreadable='result'), and clear" in message


def test_without_unreadable_documents_the_task_can_be_cleared() -> None:
    assert "cannot be read" not in failure("ApiNotReached")
