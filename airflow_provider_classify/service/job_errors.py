"""What the errors of a job mean for the job, and what the record keeps of them."""

from __future__ import annotations

import logging
from pathlib import Path

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
    """Return whether the document ended its process of the engine, which an overloaded machine may have caused."""
    return isinstance(error, DocumentCrashedParser) and isinstance(error.__cause__, ChildDied)


def recorded_error(job_id: str, error: Exception) -> ClassifyError | str:
    """Return what the record keeps of the error of a job that failed."""
    if isinstance(error, (StorageFull, StorageNotFound)):
        return DocumentNotReadable(f"The document of the job {job_id} was not stored: {error}")
    if isinstance(error, ClassifyError):
        return error
    _log.error("The job %s failed because of a fault in the service.", job_id, exc_info=error)
    return "The service failed on this document; see the service's log."


def error_for_api(error: ClassifyError, path: Path) -> ClassifyError:
    """Return the error with the API's message if it reports a damaged PDF; return any other error unchanged."""
    if not isinstance(error, DocumentCorrupt):
        return error
    try:
        with path.open("rb") as file:
            is_pdf = b"%PDF-" in file.read(1024)
    except FileNotFoundError:  # The job was deleted.
        return error
    return DocumentCorrupt(CANNOT_OPEN) if is_pdf else error
