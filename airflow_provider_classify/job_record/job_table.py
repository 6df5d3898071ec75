"""
The database table of the record of jobs, and its rows as jobs.

The migrations create the table. A new column needs a migration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, String, Table, Text

from airflow_provider_classify.exceptions import (
    ClassifyError,
    InvalidCategories,
    InvalidReply,
    JobCancelled,
    JobNotFound,
    JobRecordDamaged,
)
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.model.job import Job, JobStatus, Progress
from airflow_provider_classify.model.result import ClassificationResult

#: The statuses of a job that has not ended.
UNFINISHED = (JobStatus.QUEUED.value, JobStatus.PROCESSING.value)

JOBS = Table(
    "classify_jobs",
    MetaData(),
    Column("job_id", String(36), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("progress", String(64), nullable=False),
    Column("error", Text),
    Column("error_kind", String(64)),
    Column("result", Text),
    Column("document", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("file_url", Text),
    Column("idempotency_key", String(255), unique=True),
    # The fingerprint of the submit. It is null if an earlier version recorded the job.
    Column("fingerprint", String(64)),
    # Times are in UTC without a time zone, because all databases have this type.
    Column("created_at", DateTime, nullable=False, index=True),
    Column("started_at", DateTime),
    Column("finished_at", DateTime, index=True),
    # The queue of the service. The size of the document is null until the document is stored.
    Column("document_bytes", BigInteger),
    # From this time on, a worker may take the job. It is null if no worker may: the job has ended, or it runs in an
    # Airflow task.
    Column("free_at", DateTime, index=True),
    # The id of the run that has the job, until its end or until it is given back.
    Column("lease", String(36)),
    # How many of its runs ended because the engine's process died (crashes), and because the worker died (losses).
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    # The name of the key that submitted the job. It is empty for a client without a named key.
    Column("owner", String(64), nullable=False, server_default=""),
    # The trace that the submit belongs to, as its header has it.
    Column("traceparent", String(64)),
    # How many services have escalated the document before this one got it.
    Column("escalations", Integer, nullable=False, server_default="0"),
    # For the number of jobs with a status, and for those that have ended in a time.
    Index("ix_classify_jobs_ended", "status", "finished_at"),
)


class ShownRow(NamedTuple):
    """The columns :data:`SHOWN` of a job, and its owner."""

    job_id: str
    status: str
    progress: str
    error: str | None
    error_kind: str | None
    result: str | None
    owner: str


#: The columns of a job that the API shows.
SHOWN = tuple(JOBS.c[name] for name in ShownRow._fields[:-1])


@dataclass(frozen=True, slots=True)
class JobRequest:
    """
    The submit of a job.

    ``document`` is the document's label. ``file_url`` is the URL from which the service fetches the document. It is
    ``None`` for an upload, and after the end of the job, because a URL may contain a signature. ``created_at`` is the
    time of the submit, in UTC without a time zone. ``traceparent`` is the trace that the submit belongs to.
    ``escalations`` says how many services have escalated the document before this one got it.
    """

    document: str
    categories: tuple[Category, ...]
    file_url: str | None = None
    created_at: datetime = field(default=datetime.min, compare=False)
    traceparent: str | None = None
    escalations: int = 0


#: The columns of a job from which :func:`request_from_row` makes its submit.
REQUEST = tuple(
    JOBS.c[name] for name in ("document", "categories", "file_url", "created_at", "traceparent", "escalations")
)


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A job in the record, without its submit and its result."""

    job_id: str
    status: str
    error_kind: str | None
    idempotency_key: str | None


def job_from_row(row: Any) -> Job:
    """Return the job in a row of the columns :data:`SHOWN`. A damaged row is a failed job."""
    try:
        return Job(
            job_id=row["job_id"],
            status=JobStatus(row["status"]),
            progress=row["progress"],
            error=row["error"],
            error_kind=row["error_kind"],
            result=ClassificationResult.from_json(json.loads(row["result"])) if row["result"] else None,
        )
    except (ValueError, TypeError, InvalidReply):
        error = damaged(str(row["job_id"]))
        return Job(str(row["job_id"]), JobStatus.FAILED, Progress.FAILED, str(error), error.kind)


def request_from_row(job_id: str, row: Any) -> JobRequest:
    """Return the submit in a row of the columns :data:`REQUEST`. :raises JobRecordDamaged: the row cannot be read."""
    fields = {column.name: row[column.name] for column in REQUEST}
    try:
        return JobRequest(**{**fields, "categories": parse_categories(json.loads(fields["categories"]))})
    except (ValueError, TypeError, InvalidCategories) as error:
        raise damaged(job_id) from error


def status_from_row(recorded: str) -> JobStatus:
    """Return the status in a row. An unknown status is ``failed``, as for a damaged job."""
    try:
        return JobStatus(recorded)
    except ValueError:
        return JobStatus.FAILED


def damaged(job_id: str) -> JobRecordDamaged:
    """Return the error for a job whose row cannot be read."""
    return JobRecordDamaged(f"The record of the job {job_id} is damaged; submit the document again.")


def completed(result: ClassificationResult) -> dict[str, Any]:
    """Return the columns of a job that ends with a result."""
    return {
        "status": JobStatus.COMPLETED.value,
        "progress": Progress.COMPLETED.value,
        "result": json.dumps(result.to_json(), ensure_ascii=False),
    } | _ended()


def failed(error: ClassifyError | str) -> dict[str, Any]:
    """Return the columns of a job that fails. They have the message and the kind of an error, or a message alone."""
    return {
        "status": JobStatus.FAILED.value,
        "progress": Progress.FAILED.value,
        # PostgreSQL's text cannot contain NUL, which a message may quote from a document.
        "error": str(error).replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "error_kind": error.kind if isinstance(error, ClassifyError) else None,
    } | _ended()


def _ended() -> dict[str, Any]:
    return {"finished_at": now(), "file_url": None, "free_at": None, "lease": None}


def cancelled(job_id: str) -> JobCancelled:
    """Return the error of a job that was cancelled."""
    return JobCancelled(f"The job {job_id} was cancelled; submit the document again to classify it.")


def now() -> datetime:
    """Return the current time of this machine, in UTC without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def not_recorded(job_id: str) -> JobNotFound:
    """Return the error for a job that is not in the record."""
    return JobNotFound(
        f"The job {job_id!r} is not in the record of jobs: it was never added, or it has expired; "
        "submit the document again."
    )
