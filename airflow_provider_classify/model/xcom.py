"""What a task puts in XCom."""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.model.result import ClassificationResult


def xcom_value(result: ClassificationResult, job_id: str, document: str | None = None) -> dict[str, Any]:
    """
    Return the result as plain JSON under the task's own ``job_id`` and ``document``.

    A server may add keys to a result. Ones of these two names are dropped: what the task knows is
    not replaced by what a server says.

    :param document: the document's label (``Document.label``, which has no password and no signature); ``None``
        where the task does not know the document.
    """
    own = {"job_id": job_id} | ({} if document is None else {"document": document})
    return own | {key: value for key, value in result.to_json().items() if key not in ("job_id", "document")}
