"""
The durable record of jobs.

The service records its jobs in a SQLite file in its data folder. The local backend records its jobs in a SQLite file
under Airflow's home, or in the database of ``[classify] jobs_url``. Several processes and threads can use one record
at the same time. Every method commits before it returns, so its change survives a crash of the process, and on
SQLite also a loss of power.

The status of a job changes in one direction only: ``queued`` → ``processing`` → ``completed`` | ``failed``. If a job
ends twice, because a second run began during the first, the record keeps the first end.

The workers of a service get their jobs from :attr:`JobStore.queue`. A job of the local backend runs in its Airflow
task, and never is in the queue.

The module uses only what SQLAlchemy Core 1.4 (Airflow 2.11) and 2.x (Airflow 3) have in common.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy import update as update_rows
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from airflow_provider_classify.exceptions import ClassifyError, IdempotencyKeyReused, InvalidCategories
from airflow_provider_classify.local.backlog import Backlog
from airflow_provider_classify.local.database import SQLITE_WAIT, connect, transaction
from airflow_provider_classify.local.job_table import (
    JOBS,
    SHOWN,
    UNFINISHED,
    JobRequest,
    RecordedJob,
    ShownRow,
    cancelled,
    completed,
    damaged,
    failed,
    job_from_row,
    not_recorded,
    now,
    status_from_row,
)
from airflow_provider_classify.local.schema import upgrade_database
from airflow_provider_classify.local.work_queue import LEASE, Claim, WorkQueue, now_in
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.model.job import Job, JobStatus, Statuses
from airflow_provider_classify.model.result import ClassificationResult

#: How long a job is kept after its end, by default.
KEEP_FINISHED = timedelta(days=21)
#: The most expired jobs that one :meth:`JobStore.add` deletes, by default.
PRUNED_PER_ADD = 100


class JobStore:
    """
    The record of jobs in one database. It brings the database up to date, and creates the folder of a SQLite file.

    Threads can share an instance. Each process needs its own, because database connections do not survive a fork.

    :param url: a SQLAlchemy URL, such as ``sqlite:////var/lib/classify/jobs.db``.
    :param keep_finished: how long a job is kept after its end. Then it is not found any more, and deleted later.
    :param pruned_per_add: the most expired jobs that one :meth:`add` deletes, so that no call takes long.
    :param sqlite_wait: seconds that a statement waits while another process writes to the SQLite file.
    :param lease: how long a worker has a job of the queue before it must renew its lease.
    :raises ConnectionNotUsable: the URL is not valid for SQLAlchemy, its folder cannot be created, or a later version
        of this package has changed the database.
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
        lease: timedelta = LEASE,
    ) -> None:
        self._keep_finished = keep_finished
        self._pruned_per_add = pruned_per_add
        self._engine = connect(url, sqlite_wait=sqlite_wait)
        upgrade_database(self._engine)
        #: The jobs for the workers of a service.
        self.queue = WorkQueue(self._engine, lease)

    def add(
        self,
        document: str,
        categories: Sequence[Category],
        *,
        job_id: str | None = None,
        file_url: str | None = None,
        idempotency_key: str | None = None,
        fingerprint: str | None = None,
        for_workers: bool = False,
        document_bytes: int | None = None,
        owner: str = "",
        traceparent: str | None = None,
    ) -> Job:
        """
        Record a queued job and return it.

        If a job with this ``idempotency_key`` exists, return that job in its current state and add nothing.

        :param job_id: the id of the new job; a new uuid4 by default.
        :param fingerprint: the fingerprint of the submit, at most 64 characters. The same document and categories
            have the same fingerprint.
        :param for_workers: put the job into the queue of the workers.
        :param document_bytes: the size of the stored document; ``None`` if a worker must fetch it.
        :param owner: the name of the key that submits the job, if it has one.
        :param traceparent: the trace that the submit belongs to.
        :raises IdempotencyKeyReused: the job with the key has another fingerprint.
        """
        self.prune()
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
            "created_at": now(),
            "document_bytes": document_bytes,
            "free_at": now_in(self._engine) if for_workers else None,
            "owner": owner,
            "traceparent": traceparent,
        }
        for is_last_attempt in (False, True):
            try:
                with transaction(self._engine) as connection:
                    connection.execute(insert(JOBS).values(**row))
            except IntegrityError:
                # An earlier submit has this key. Another process may have sent it.
                known = self.find(idempotency_key, fingerprint) if idempotency_key else None
                if known is not None:
                    return known
                if is_last_attempt or not self._prune(JOBS.c.idempotency_key == idempotency_key):
                    raise
            else:
                break
        return job

    def start(self, job_id: str) -> None:
        """
        Record that the job is being processed.

        :raises JobNotFound: the job does not exist.
        """
        self._update(job_id, status=JobStatus.PROCESSING.value, started_at=now())

    def complete(self, job_id: str, result: ClassificationResult) -> None:
        """
        Record the result of a completed job.

        :raises JobNotFound: the job does not exist.
        """
        self._update(job_id, **completed(result))

    def complete_claim(self, claim: Claim, result: ClassificationResult) -> bool:
        """Record the result of a claimed job. Return ``False`` if the lease has been lost; nothing has changed."""
        return self._end_claim(claim, completed(result))

    def fail(self, job_id: str, error: ClassifyError | str) -> None:
        """
        Record that the job failed.

        :param error: the error, or a message alone. The record gets the message and the kind of an error.
        :raises JobNotFound: the job does not exist.
        """
        self._update(job_id, **failed(error))

    def fail_claim(self, claim: Claim, error: ClassifyError | str) -> bool:
        """Record that a claimed job failed. Return ``False`` if the lease has been lost; nothing has changed."""
        return self._end_claim(claim, failed(error))

    def cancel(self, job_id: str) -> None:
        """
        Record that the job was cancelled. A job that has ended stays as it is.

        :raises JobNotFound: the job does not exist.
        """
        self._update(job_id, **failed(cancelled(job_id)))

    def delete(self, job_id: str, *, unless_ended: bool = False) -> Job:
        """
        Delete what the record has of the job. Return the job as it was.

        A job that has not ended is cancelled, so that nobody waits for it in vain. Of a cancelled job, the record
        keeps only that it was cancelled, without the document's name and the categories, until the next delete.

        :param unless_ended: leave a job that has ended as it is.
        :raises JobNotFound: the job does not exist.
        """
        nothing = {"document": "", "categories": "[]", "document_bytes": None}
        if self._update(job_id, **failed(cancelled(job_id)), **nothing):
            return self.get(job_id)
        job = self.get(job_id)
        if unless_ended:
            return job
        with transaction(self._engine) as connection:
            connection.execute(delete(JOBS).where(JOBS.c.job_id == job_id))
        return job

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
        query = select(*SHOWN, JOBS.c.owner).where(JOBS.c.job_id.in_(job_ids), self._is_kept())
        with transaction(self._engine) as connection:
            return {row[0]: ShownRow._make(row) for row in connection.execute(query)}

    def newest(self, limit: int, *, owner: str) -> list[Mapping[str, Any]]:
        """Return the columns of an owner's newest jobs, without those that were deleted, the newest first."""
        was_deleted = (JOBS.c.document == "") & JOBS.c.status.not_in(UNFINISHED)
        query = select(*JOBS.c).where(JOBS.c.owner == owner, self._is_kept(), ~was_deleted)
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
        query = select(JOBS.c.job_id, JOBS.c.status).where(JOBS.c.job_id.in_(job_ids), self._is_kept())
        if owner is not None:
            query = query.where(JOBS.c.owner == owner)
        with transaction(self._engine) as connection:
            found = {job_id: status_from_row(status) for job_id, status in connection.execute(query)}
        return Statuses(found, tuple(job_id for job_id in job_ids if job_id not in found))

    def request(self, job_id: str) -> JobRequest:
        """
        Return the submit of the job.

        :raises JobNotFound: the job does not exist.
        :raises JobRecordDamaged: the record of the job cannot be read.
        """
        names = ("document", "categories", "file_url", "created_at", "traceparent")
        row = self._row(job_id, *(JOBS.c[name] for name in names))
        try:
            return JobRequest(**{**row, "categories": parse_categories(json.loads(row["categories"]))})
        except (ValueError, TypeError, InvalidCategories) as error:
            raise damaged(job_id) from error

    def find(self, idempotency_key: str, fingerprint: str | None = None) -> Job | None:
        """
        Return the job that was added with this key; ``None`` if the key is new.

        :param fingerprint: the fingerprint of the new submit; ``None`` to compare only the key.
        :raises IdempotencyKeyReused: the job has another fingerprint.
        """
        query = select(*SHOWN, JOBS.c.fingerprint).where(JOBS.c.idempotency_key == idempotency_key, self._is_kept())
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
        return Backlog(queued, processing, max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0)

    def transaction(self) -> AbstractContextManager[Connection]:
        """
        Open a transaction in the database of the record, for tables beside it; see :func:`~.database.transaction`.

        :raises JobRecordUnavailable: the database cannot be reached, or a statement failed.
        """
        return transaction(self._engine)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def prune(self) -> int:
        """Delete some of the jobs that are not kept any more. Return how many were deleted."""
        return self._prune()

    def _row(self, job_id: str, *columns: Any) -> Any:
        query = select(*columns).where(JOBS.c.job_id == job_id, self._is_kept())
        with transaction(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise not_recorded(job_id)
        return row

    def _update(self, job_id: str, **values: Any) -> bool:
        """
        Update a job that has not ended, and return ``True``. If the job has ended, change nothing and return ``False``.

        :raises JobNotFound: the job does not exist.
        """
        still_open = (JOBS.c.job_id == job_id) & JOBS.c.status.in_(UNFINISHED)
        with transaction(self._engine) as connection:
            changed = connection.execute(update_rows(JOBS).where(still_open).values(**values)).rowcount
        if not changed:
            self._row(job_id, JOBS.c.job_id)
        return bool(changed)

    def _end_claim(self, claim: Claim, values: dict[str, Any]) -> bool:
        held = (JOBS.c.job_id == claim.job_id) & (JOBS.c.lease == claim.lease)
        with transaction(self._engine) as connection:
            return bool(connection.execute(update_rows(JOBS).where(held).values(**values)).rowcount)

    def _is_kept(self) -> ColumnElement[bool]:
        return or_(JOBS.c.finished_at.is_(None), JOBS.c.finished_at >= now() - self._keep_finished)

    def _prune(self, *conditions: ColumnElement[bool]) -> int:
        """Delete some expired jobs. Not every database can limit a ``DELETE``, so a query selects them first."""
        expired = JOBS.c.finished_at < now() - self._keep_finished
        query = select(JOBS.c.job_id).where(expired, *conditions).limit(self._pruned_per_add)
        with transaction(self._engine) as connection:
            job_ids = list(connection.execute(query).scalars())
        if job_ids:
            with transaction(self._engine) as connection:
                connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(job_ids)))
        return len(job_ids)
