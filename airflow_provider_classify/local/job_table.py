"""The database table of the record of jobs, and its rows as jobs."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, String, Table, Text, inspect, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from airflow_provider_classify.exceptions import InvalidReply, JobRecordDamaged, JobRecordUnavailable
from airflow_provider_classify.local.database import transaction
from airflow_provider_classify.model.job import Job, JobStatus, Progress
from airflow_provider_classify.model.result import ClassificationResult

#: The statuses of a job that has not ended.
UNFINISHED = (JobStatus.QUEUED.value, JobStatus.PROCESSING.value)

_metadata = MetaData()
JOBS = Table(
    "classify_jobs",
    _metadata,
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
    Column("created_at", DateTime, nullable=False),
    Column("started_at", DateTime),
    Column("finished_at", DateTime, index=True),
)
#: The columns of a job that the API shows.
SHOWN = tuple(JOBS.c[name] for name in ("job_id", "status", "progress", "error", "error_kind", "result"))


def create_table(engine: Engine) -> None:
    """
    Create the table if it is missing, and add the columns that an earlier version did not have.

    Another process may do the same at this moment. Then a step fails, and the next attempt finds that it has been done.

    :raises JobRecordUnavailable: the database cannot be reached.
    """
    for is_last_attempt in (False, False, True):
        try:
            with transaction(engine) as connection:
                _metadata.create_all(connection)
            with transaction(engine) as connection:
                columns = {column["name"] for column in inspect(connection).get_columns(JOBS.name)}
            if "fingerprint" not in columns:
                with transaction(engine) as connection:
                    connection.execute(text(f"ALTER TABLE {JOBS.name} ADD COLUMN fingerprint VARCHAR(64)"))
            return
        except (IntegrityError, JobRecordUnavailable):
            if is_last_attempt:
                raise


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


def status_from_row(recorded: str) -> JobStatus:
    """Return the status in a row. An unknown one is ``failed``, as for a damaged job."""
    try:
        return JobStatus(recorded)
    except ValueError:
        return JobStatus.FAILED


def damaged(job_id: str) -> JobRecordDamaged:
    """Return the error for a job whose row cannot be read."""
    return JobRecordDamaged(f"The record of the job {job_id} is damaged; submit the document again.")
