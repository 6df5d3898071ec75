"""The value that a task puts in XCom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.model.cascade import CASCADE_FIELDS
from airflow_provider_classify.model.result import ClassificationResult

#: The fields that only the task sets.
_OWN_FIELDS = ("job_id", "document", *CASCADE_FIELDS)


def xcom_value(
    result: ClassificationResult,
    job_id: str | None,
    document: str | None = None,
    cascade: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Return the result as a JSON object, with the ``job_id`` and ``document`` of the task.

    A server can add keys to a result. Keys with the names of these fields are dropped, so that a server cannot replace
    the values of the task.

    :param document: the document's label, which has no password and no signature; ``None`` if the task does not
        know the document.
    :param cascade: the :data:`~airflow_provider_classify.model.cascade.CASCADE_FIELDS` of the answer.
    """
    own: dict[str, Any] = {"job_id": job_id} | ({} if document is None else {"document": document})
    answer = {key: value for key, value in result.to_json().items() if key not in _OWN_FIELDS}
    return own | answer | dict(cascade or {})
