"""The value that a task puts in XCom."""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.model.result import ClassificationResult


def xcom_value(result: ClassificationResult, job_id: str, document: str | None = None) -> dict[str, Any]:
    """
    Return the result as a JSON object, with the ``job_id`` and ``document`` of the task.

    A server can add keys to a result. Keys with these two names are dropped, so that a server cannot replace the
    values of the task.

    :param document: the document's label, which has no password and no signature; ``None`` if the task does not
        know the document.
    """
    own = {"job_id": job_id} | ({} if document is None else {"document": document})
    return own | {key: value for key, value in result.to_json().items() if key not in ("job_id", "document")}
