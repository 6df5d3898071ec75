"""Log and count submits and ended jobs, and convert answers to values for XCom."""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.connection import Settings
from airflow_provider_classify.lifecycle import metrics, tracing
from airflow_provider_classify.model import measurements, polling
from airflow_provider_classify.model.categories import CategoriesLike, parse_categories
from airflow_provider_classify.model.job import Job, Submission
from airflow_provider_classify.model.xcom import xcom_value


def log_submission(document: Document, submission: Submission, backend: str, span: Any, log: Any) -> None:
    """
    Log and count a submit, and add the job's id to its span.

    :param backend: ``api``, ``local`` or ``model``.
    """
    quota = "" if submission.quota_remaining is None else f", {submission.quota_remaining} left of the quota"
    state = f"{submission.status}{quota}"
    if submission.status.is_terminal:  # the local engine and language models answer at once
        log.info("Job %s of %s has ended (%s).", submission.job_id, document.label, state)
    else:
        log.info("Submitted %s as job %s (%s).", document.label, submission.job_id, state)
    metrics.send(measurements.submitted(backend))
    span.set_attribute(tracing.JOB_ID, submission.job_id)


def answer_of(
    job: Job, document: DocumentLike | None, categories: CategoriesLike | None, settings: Settings, log: Any
) -> dict[str, Any]:
    """
    Return the result of a job that has ended, in the form for XCom; see :meth:`ClassifyHook.answer`.

    :param settings: the settings of the job's backend. They decide whether the result contains text of the document.
    """
    label = None if document is None else Document.of(document).label
    names = None if categories is None else [category.name for category in parse_categories(categories)]
    try:
        result = polling.answer(job, label, names)
    except ClassifyError as error:
        metrics.send(measurements.ended(settings.backend_name, error))
        raise
    metrics.send(measurements.ended(settings.backend_name, result))
    log.info("%s is %s.", label or f"The document of job {job.job_id}", polling.describe_answer(result))
    return xcom_value(result, job.job_id, label, evidence=settings.evidence)
