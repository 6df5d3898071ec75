"""The values that a task puts in XCom: a result, or the error of an unreadable document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.cascade import CASCADE_FIELDS
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.without_text import without_text

#: The fields that only the task sets.
_OWN_FIELDS = ("job_id", "document", *CASCADE_FIELDS)


def xcom_value(
    result: ClassificationResult,
    job_id: str | None,
    document: str | None = None,
    cascade: Mapping[str, Any] | None = None,
    *,
    evidence: bool = True,
) -> dict[str, Any]:
    """
    Return the result as a JSON object, with the ``job_id`` and ``document`` of the task.

    A server can add keys to a result. Keys with the names of these fields are dropped, so that a server cannot replace
    the values of the task.

    :param document: the document's label, which has no password and no signature; ``None`` if the task does not
        know the document.
    :param cascade: the :data:`~airflow_provider_classify.model.cascade.CASCADE_FIELDS` of the answer.
    :param evidence: ``False`` to leave out all text of the document.
    """
    own: dict[str, Any] = {"job_id": job_id} | ({} if document is None else {"document": document})
    fields = result.to_json() if evidence else without_text(result.to_json())
    return own | {key: value for key, value in fields.items() if key not in _OWN_FIELDS} | dict(cascade or {})


def unreadable_value(error: ClassifyError, job_id: str | None, document: str) -> dict[str, Any]:
    """
    Return the value for an unreadable document. Its ``classification`` is ``None``.

    :param job_id: the job that failed; ``None`` if the document could not be submitted.
    """
    return {"job_id": job_id, "document": document} | failure_fields(str(error), error.kind)


def failure_fields(error: str, kind: str) -> dict[str, Any]:
    """Return the fields that replace a missing result in XCom and in the row of a batch."""
    return {"success": False, "classification": None, "confidence": 0.0, "error": error, "error_kind": kind}
