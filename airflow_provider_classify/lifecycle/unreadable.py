"""Decide how a task ends for an unreadable document."""

from __future__ import annotations

from typing import Any, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_classify.exceptions import ClassifyError

#: How a task ends for an unreadable document: it fails, pushes the error as its result, or is skipped.
OnUnreadable = Literal["fail", "result", "skip"]


def handle(error: ClassifyError, choice: OnUnreadable, *, job_id: str | None, document: str) -> dict[str, Any]:
    """
    Return the XCom value for the error of a document, if the task succeeds with it.

    Only errors of the document itself are handled (:attr:`ClassifyError.unreadable`).

    :param job_id: the job that failed; ``None`` if the document could not be submitted.
    :param document: the document's label.
    :raises ClassifyError: the error, if the task must fail or the document is not the reason.
    :raises AirflowSkipException: the task must be skipped.
    """
    if choice == "fail" or not error.unreadable:
        raise error
    if choice == "skip":
        raise AirflowSkipException(f"{error.kind}: {error}") from error
    # A DAG file imports this module. This import would make it slower to parse.
    from airflow_provider_classify.model.xcom import unreadable_value

    return unreadable_value(error, job_id, document)
