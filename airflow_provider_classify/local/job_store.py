"""
The durable record of jobs.

The service records its jobs in a SQLite file in its data folder. The local backend records its jobs in a SQLite file
under Airflow's home, or in the database of ``[classify] jobs_url``. Several processes and threads can use one record
at the same time. Every method commits before it returns, so its change survives a crash of the process, and on
SQLite also a loss of power.

The status of a job changes in one direction only: ``queued`` → ``processing`` → ``completed`` | ``failed``. If a job
ends twice, because a second run began during the first, the record keeps the first end.

The module uses only what SQLAlchemy Core 1.4 (Airflow 2.11) and 2.x (Airflow 3) have in common.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy import update as update_rows
from sqlalchemy.exc import IntegrityError

from airflow_provider_classify.exceptions import (
    ClassifyError,
    IdempotencyKeyReused,
    InvalidCategories,
    JobCancelled,
    JobNotFound,
)
from airflow_provider_classify.local.backlog import Backlog
from airflow_provider_classify.local.database import SQLITE_WAIT, connect, transaction
from airflow_provider_classify.local.job_table import (
    JOBS,
    SHOWN,
    UNFINISHED,
    create_table,
    damaged,
    job_from_row,
    status_from_row,
)
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.model.job import Job, JobStatus, Progress, Statuses
from airflow_provider_classify.model.result import ClassificationResult

#: How long a job is kept after its end, by default.
KEEP_FINISHED = timedelta(days=21)
#: The most expired jobs that one :meth:`JobStore.add` deletes, by default.
PRUNED_PER_ADD = 100


@dataclass(frozen=True, slots=True)
class JobRequest:
    """
    The submit of a job.

    ``document`` is the document's label. ``created_at`` is in UTC, without a time zone. ``file_url`` is the URL from
    which the service fetches the document. It is ``None`` for an upload, and after the end of the job, because a URL
    may contain a signature.
    """

    document: str
    categories: tuple[Category, ...]
    created_at: datetime
    file_url: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A job in the record, without its submit and its result."""

    job_id: str
    status: str
    error_kind: str | None
    idempotency_key: str | None


class JobStore:
    """
    The record of jobs in one database. It creates the table, and the folder of a SQLite file, if they are missing.

    Threads can share an instance. Each process needs its own, because database connections do not survive a fork.

    :param url: a SQLAlchemy URL, such as ``sqlite:////var/lib/classify/jobs.db``.
    :param keep_finished: how long a job is kept after its end.
    :param pruned_per_add: the most expired jobs that one :meth:`add` deletes, so that no call takes long.
    :param sqlite_wait: seconds that a statement waits while another process writes to the SQLite file.
    :raises ConnectionNotUsable: the URL is not valid for SQLAlchemy, or its folder cannot be created.
    :raises ExtraNotInstalled: the driver that the URL names is not installed.
    :raises JobRecordUnavailable: the database cannot be reached. Every method can raise this.
    """

    def __init__(
        self,
        url: str,
        *,
        keep_finished: timedelta = KEEP_FINISHED,
        pruned_per_add: int = PRUNED_PER_ADD,
        sqlite_wait: float = SQLITE_WAIT,
    ) -> None:
        self._keep_finished = keep_finished
        self._pruned_per_add = pruned_per_add
        self._engine = connect(url, sqlite_wait=sqlite_wait)
        create_table(self._engine)

    def add(
        self,
        document: str,
        categories: Sequence[Category],
        *,
        job_id: str | None = None,
        file_url: str | None = None,
        idempotency_key: str | None = None,
        fingerprint: str | None = None,
    ) -> Job:
        """
        Record a queued job and return it.

        If a job with this ``idempotency_key`` exists, return that job in its current state and add nothing.

        :param job_id: the id of the new job; a new uuid4 by default.
        :param fingerprint: the fingerprint of the submit, at most 64 characters. The same document and categories
            have the same fingerprint.
        :raises IdempotencyKeyReused: the job with the key has another fingerprint.
        """
        self._prune()
        job = Job(job_id or str(uuid.uuid4()), JobStatus.QUEUED)
        row = {
            "job_id": job.job_id,
            "status": job.status.value,
            "progress": str(job.progress),
            "document": document,
            "categories": json.dumps([category.to_json() for category in categories], ensure_ascii=False),
            "file_url": file_url,
            "idempotency_key": idempotency_key,
            "fingerprint": fingerprint,
            "created_at": _now(),
        }
        try:
            with transaction(self._engine) as connection:
                connection.execute(insert(JOBS).values(**row))
        except IntegrityError:
            # An earlier submit has this key. Another process may have sent it.
            known = self.find(idempotency_key, fingerprint) if idempotency_key else None
            if known is None:
                raise
            return known
        return job

    def start(self, job_id: str) -> None:
        """
        Record that the job is being processed.

        :raises JobNotFound: the job does not exist.
        """
        self._update(job_id, status=JobStatus.PROCESSING.value, started_at=_now())

    def complete(self, job_id: str, result: ClassificationResult) -> bool:
        """
        Record the result of a completed job. Return whether this is the end of the job: it had not ended before.

        :raises JobNotFound: the job does not exist.
        """
        return self._update(
            job_id,
            status=JobStatus.COMPLETED.value,
            progress=Progress.COMPLETED.value,
            result=json.dumps(result.to_json(), ensure_ascii=False),
            finished_at=_now(),
            file_url=None,
        )

    def fail(self, job_id: str, error: ClassifyError | str) -> bool:
        """
        Record that the job failed. Return whether this is the end of the job: it had not ended before.

        :param error: the error, or a message alone. The record gets the message and the kind of an error.

        :raises JobNotFound: the job does not exist.
        """
        return self._update(
            job_id,
            status=JobStatus.FAILED.value,
            progress=Progress.FAILED.value,
            error=str(error),
            error_kind=error.kind if isinstance(error, ClassifyError) else None,
            finished_at=_now(),
            file_url=None,
        )

    def cancel(self, job_id: str) -> None:
        """
        Record that the job was cancelled. A job that has ended stays as it is.

        :raises JobNotFound: the job does not exist.
        """
        self.fail(job_id, JobCancelled(f"The job {job_id} was cancelled; submit the document again to classify it."))

    def get(self, job_id: str) -> Job:
        """
        Return the job as the API shows it. A job whose record is damaged is a failed job.

        :raises JobNotFound: the job does not exist, or it has expired.
        """
        return job_from_row(self._row(job_id, *SHOWN))

    def statuses(self, job_ids: Sequence[str]) -> Statuses:
        """Return the statuses of at most 500 jobs (:data:`MAX_STATUS_IDS`), read in one query."""
        query = select(JOBS.c.job_id, JOBS.c.status).where(JOBS.c.job_id.in_(job_ids))
        with transaction(self._engine) as connection:
            found = {job_id: status_from_row(status) for job_id, status in connection.execute(query)}
        return Statuses(found, tuple(job_id for job_id in job_ids if job_id not in found))

    def request(self, job_id: str) -> JobRequest:
        """
        Return the submit of the job.

        :raises JobNotFound: the job does not exist.
        :raises JobRecordDamaged: the record of the job cannot be read.
        """
        row = self._row(job_id, JOBS.c.document, JOBS.c.categories, JOBS.c.created_at, JOBS.c.file_url)
        try:
            categories = parse_categories(json.loads(row["categories"]))
            return JobRequest(row["document"], categories, row["created_at"], row["file_url"])
        except (ValueError, TypeError, InvalidCategories) as error:
            raise damaged(job_id) from error

    def find(self, idempotency_key: str, fingerprint: str | None = None) -> Job | None:
        """
        Return the job that was added with this key; ``None`` if there is none.

        :param fingerprint: the fingerprint of the new submit; ``None`` to compare only the key.
        :raises IdempotencyKeyReused: the job has another fingerprint.
        """
        query = select(*SHOWN, JOBS.c.fingerprint).where(JOBS.c.idempotency_key == idempotency_key)
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
        """Return how many jobs have not ended, and the age of the oldest that waits."""
        query = select(JOBS.c.status, func.count(), func.min(JOBS.c.created_at)).group_by(JOBS.c.status)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.where(JOBS.c.status.in_(UNFINISHED))).all()
        found = {status: (count, oldest) for status, count, oldest in rows}
        queued, oldest = found.get(JobStatus.QUEUED.value, (0, None))
        processing, _ = found.get(JobStatus.PROCESSING.value, (0, None))
        waits = max(0.0, (_now() - oldest).total_seconds()) if oldest else 0.0
        return Backlog(queued, processing, waits)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _row(self, job_id: str, *columns: Any) -> Any:
        with transaction(self._engine) as connection:
            row = connection.execute(select(*columns).where(JOBS.c.job_id == job_id)).mappings().first()
        if row is None:
            raise not_recorded(job_id)
        return row

    def _update(self, job_id: str, **values: Any) -> bool:
        """
        Update a job that has not ended, and return true. Leave a job that has ended as it is, and return false.

        :raises JobNotFound: the job does not exist.
        """
        still_open = (JOBS.c.job_id == job_id) & JOBS.c.status.in_(UNFINISHED)
        with transaction(self._engine) as connection:
            changed = connection.execute(update_rows(JOBS).where(still_open).values(**values)).rowcount
        if not changed:
            self._row(job_id, JOBS.c.job_id)
        return bool(changed)

    def _prune(self) -> None:
        """Delete some expired jobs. Not every database can limit a ``DELETE``, so a query selects them first."""
        ended_before = _now() - self._keep_finished
        expired = select(JOBS.c.job_id).where(JOBS.c.finished_at < ended_before).limit(self._pruned_per_add)
        with transaction(self._engine) as connection:
            job_ids = list(connection.execute(expired).scalars())
        if job_ids:
            with transaction(self._engine) as connection:
                connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(job_ids)))


def not_recorded(job_id: str) -> JobNotFound:
    """Return the error for a job that is not in the record."""
    return JobNotFound(
        f"The job {job_id!r} is not in the record of jobs: it was never added, or it has expired; "
        "submit the document again."
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
