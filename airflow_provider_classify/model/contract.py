"""
The words of the classify API as types, and its limits and headers.

Two routes, ``POST /classify`` and ``GET /classify/{job_id}``: the client reads their replies with these
types, the service writes them, and the local engine returns the same result. The types are defined in
:mod:`~airflow_provider_classify.model.job` and :mod:`~airflow_provider_classify.model.result`.
"""

from __future__ import annotations

from airflow_provider_classify.model.job import (
    MAX_STATUS_IDS,
    Job,
    JobStatus,
    Progress,
    Statuses,
    Submission,
    read_status,
    require_job_id,
)
from airflow_provider_classify.model.result import ClassificationResult, PageResult

__all__ = [
    "CANNOT_OPEN",
    "HONOURED_HEADER",
    "IDEMPOTENCY_HEADER",
    "MAX_BYTES",
    "MAX_PAGES",
    "MAX_STATUS_IDS",
    "ClassificationResult",
    "Job",
    "JobStatus",
    "PageResult",
    "Progress",
    "Statuses",
    "Submission",
    "read_status",
    "require_job_id",
]

#: A longer document is classified from its first pages.
MAX_PAGES = 4
#: The API's limit for an upload, in bytes.
MAX_BYTES = 500 * 1024 * 1024
#: Names one submit, so that sending it again does not begin a second job.
IDEMPOTENCY_HEADER = "Idempotency-Key"
#: In the replies of a server that honours :data:`IDEMPOTENCY_HEADER`; an addition of this package's service.
HONOURED_HEADER = "Idempotency-Key-Honoured"
#: What the API says of a file that it cannot open.
CANNOT_OPEN = "This PDF could not be opened — the file may be corrupt or in an unsupported format."
