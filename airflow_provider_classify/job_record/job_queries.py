"""Read jobs from a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, bindparam, func, or_, select
from sqlalchemy.engine import Engine

from airflow_provider_classify.exceptions import IdempotencyKeyReused
from airflow_provider_classify.job_record.backlog import Backlog
from airflow_provider_classify.job_record.database import padded, transaction
from airflow_provider_classify.job_record.job_table import (
    JOBS,
    REQUEST,
    SHOWN,
    UNFINISHED,
    JobRequest,
    RecordedJob,
    ShownRow,
    job_from_row,
    not_recorded,
    now,
    request_from_row,
    status_from_row,
)
from airflow_provider_classify.model.job import Job, JobStatus, Statuses


class JobQueries:
    """
    Reads the jobs of a record. :class:`~.job_store.JobStore` also changes them.

    :param keep_finished: how long a job is kept after its end. Then it is not found any more.
    """

    def __init__(self, engine: Engine, keep_finished: timedelta) -> None:
        self._engine = engine
        self._keep_finished = keep_finished
        oldest = bindparam(None, callable_=lambda: now() - keep_finished, type_=DateTime(), unique=True)
        self._is_kept = or_(JOBS.c.finished_at.is_(None), JOBS.c.finished_at >= oldest)

    def get(self, job_id: str, *, owner: str | None = None) -> Job:
        """
        Return the job as the API shows it. A job whose record is damaged is a failed job.

        :param owner: the only owner whose job is found; ``None`` for any.
        :raises JobNotFound: the job does not exist, or it has expired.
        """
        row = self._row(job_id, JOBS.c.owner, *SHOWN)
        if owner is not None and row["owner"] != owner:
            raise not_recorded(job_id)
        return job_from_row(row)

    def rows(self, job_ids: Collection[str]) -> dict[str, ShownRow]:
        """Return the rows of at most 500 jobs (:data:`MAX_STATUS_IDS`) by their ids, read in one query."""
        query = select(*SHOWN, JOBS.c.owner).where(JOBS.c.job_id.in_(padded(job_ids)), self._is_kept)
        with transaction(self._engine) as connection:
            return {row[0]: ShownRow._make(row) for row in connection.execute(query)}

    def newest(self, limit: int, *, owner: str) -> list[Mapping[str, Any]]:
        """Return the columns of an owner's newest jobs, without those that were deleted, the newest first."""
        was_deleted = (JOBS.c.document == "") & JOBS.c.status.not_in(UNFINISHED)
        query = select(*JOBS.c).where(JOBS.c.owner == owner, self._is_kept, ~was_deleted)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(JOBS.c.created_at.desc()).limit(limit)).mappings()
            return [dict(row) for row in rows]

    def has_ended(self, job_id: str) -> bool:
        """Return whether the job has ended. A job that does not exist, or has expired, has ended too."""
        query = select(JOBS.c.job_id).where(JOBS.c.job_id == job_id, JOBS.c.status.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            return connection.execute(query).first() is None

    def statuses(self, job_ids: Sequence[str], *, owner: str | None = None) -> Statuses:
        """
        Return the statuses of at most 500 jobs (:data:`MAX_STATUS_IDS`), read in one query.

        :param owner: the only owner whose jobs are found; ``None`` for any.
        """
        query = select(JOBS.c.job_id, JOBS.c.status).where(JOBS.c.job_id.in_(padded(job_ids)), self._is_kept)
        if owner is not None:
            query = query.where(JOBS.c.owner == owner)
        with transaction(self._engine) as connection:
            found = {job_id: status_from_row(status) for job_id, status in connection.execute(query)}
        return Statuses(found, tuple(job_id for job_id in job_ids if job_id not in found))

    def request(self, job_id: str) -> JobRequest:
        """
        Return the submit of the job.

        :raises JobNotFound: the job does not exist, or it has expired.
        :raises JobRecordDamaged: the record of the job cannot be read.
        """
        return request_from_row(job_id, self._row(job_id, *REQUEST))

    def find(self, idempotency_key: str, fingerprint: str | None = None) -> Job | None:
        """
        Return the job that was added with this key; ``None`` if the key is new.

        :param fingerprint: the fingerprint of the new submit; ``None`` to compare only the key.
        :raises IdempotencyKeyReused: the job has another fingerprint.
        """
        query = select(*SHOWN, JOBS.c.fingerprint).where(JOBS.c.idempotency_key == idempotency_key, self._is_kept)
        with transaction(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if fingerprint and row["fingerprint"] and fingerprint != row["fingerprint"]:
            raise IdempotencyKeyReused(
                f"The job {row['job_id']} was submitted with this Idempotency-Key, but with another document or other "
                "categories; use a new key for a new submit."
            )
        return job_from_row(row)

    def jobs(self) -> list[RecordedJob]:
        """Return all jobs in the record, oldest first."""
        columns = (JOBS.c.job_id, JOBS.c.status, JOBS.c.error_kind, JOBS.c.idempotency_key)
        with transaction(self._engine) as connection:
            return [RecordedJob(*row) for row in connection.execute(select(*columns).order_by(JOBS.c.created_at))]

    def check(self) -> None:
        """
        Check that the record can be read.

        :raises JobRecordUnavailable: the record cannot be read.
        """
        with transaction(self._engine) as connection:
            connection.execute(select(JOBS.c.job_id).limit(1)).first()

    def unfinished(self) -> list[str]:
        """Return the ids of the jobs that are queued or processing, oldest first."""
        query = select(JOBS.c.job_id).where(JOBS.c.status.in_(UNFINISHED)).order_by(JOBS.c.created_at)
        with transaction(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def backlog(self) -> Backlog:
        """Return how many jobs have not ended, and the age of the oldest queued job."""
        query = select(JOBS.c.status, func.count(), func.min(JOBS.c.created_at)).group_by(JOBS.c.status)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.where(JOBS.c.status.in_(UNFINISHED))).all()
        found = {status: (count, oldest) for status, count, oldest in rows}
        queued, oldest = found.get(JobStatus.QUEUED.value, (0, None))
        processing, _ = found.get(JobStatus.PROCESSING.value, (0, None))
        return Backlog(queued, processing, max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0)

    def _row(self, job_id: str, *columns: Any) -> Any:
        query = select(*columns).where(JOBS.c.job_id == job_id, self._is_kept)
        with transaction(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise not_recorded(job_id)
        return row
