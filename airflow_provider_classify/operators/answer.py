"""Create the value that a task of one document pushes to XCom, and log it."""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable, handle
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.cascade import Accept, Fail
from airflow_provider_classify.model.xcom import xcom_value


def value_of(step: Accept | Fail, document: Document, on_unreadable: OnUnreadable, log: Any) -> dict[str, Any]:
    """
    Return the result, or the value for a document that cannot be read.

    :raises ClassifyError: the document has no answer, and ``on_unreadable`` does not accept that.
    :raises AirflowSkipException: the document cannot be read, and ``on_unreadable`` is ``skip``.
    """
    if isinstance(step, Fail):
        label = document.label if step.error.unreadable else ""
        value = handle(step.error, on_unreadable, job_id=step.job_id, document=label)
        log.warning("The task succeeds without a classification: %s", step.error)
        return value | step.fields
    if problem := step.fields.get("escalation_error"):
        log.warning(
            "The first answer about %s stands, because the second connection could not classify it: %s",
            document.label,
            problem,
        )
    log.info("%s is %s.", document.label, polling.describe_answer(step.result))
    return xcom_value(step.result, step.job_id, document.label, step.fields)
