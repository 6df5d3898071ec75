"""Translate the errors of jobs for the worker, for the record and for the API."""

from __future__ import annotations

import logging

from airflow_provider_classify.engine.sandbox.child_process import ChildDied
from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentCorrupt,
    DocumentCrashedParser,
    DocumentNotReadable,
    StorageFull,
    StorageNotFound,
)
from airflow_provider_classify.model.api_contract import CANNOT_OPEN

_log = logging.getLogger(__name__)


def engine_died(error: Exception) -> bool:
    """Return whether the engine's process ended on the document. An overloaded machine can cause this too."""
    return isinstance(error, DocumentCrashedParser) and isinstance(error.__cause__, ChildDied)


def recorded_error(job_id: str, error: Exception) -> ClassifyError | str:
    """Return the error, or the message, that the record keeps of a failed job."""
    if isinstance(error, (StorageFull, StorageNotFound)):
        return DocumentNotReadable(f"The document of the job {job_id} was not stored: {error}")
    if isinstance(error, ClassifyError):
        return error
    _log.error("The job %s failed because of a fault in the service.", job_id, exc_info=error)
    return "The service failed on this document; see the service's log."


def error_for_api(error: ClassifyError, path: str) -> ClassifyError:
    """Return an error about a damaged PDF with the message of the hosted API; return any other error unchanged."""
    if not isinstance(error, DocumentCorrupt):
        return error
    try:
        with open(path, "rb") as file:
            is_pdf = b"%PDF-" in file.read(1024)
    except FileNotFoundError:  # The job was deleted.
        return error
    return DocumentCorrupt(CANNOT_OPEN) if is_pdf else error
