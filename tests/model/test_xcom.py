from __future__ import annotations

import pytest

from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.xcom import xcom_value

RESULT = ClassificationResult(
    True, "letter", 0.9, 1, 1, extra={"job_id": "another", "document": "/etc/passwd", "language": "en"}
)


@pytest.mark.parametrize("document", ["/in/a.pdf", None])
def test_a_server_does_not_replace_what_the_task_knows(document: str | None) -> None:
    value = xcom_value(RESULT, "job-1", document)
    assert value["job_id"] == "job-1"
    assert value.get("document") == document
    assert (value["classification"], value["language"]) == ("letter", "en")
    assert next(iter(value)) == "job_id"
