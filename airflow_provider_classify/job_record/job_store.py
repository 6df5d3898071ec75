"""
The durable record of jobs.

The service records its jobs in a SQLite file in its data folder. The local backend records its jobs in a SQLite file
under Airflow's home, or in the database of ``[classify] jobs_url``. Several processes and threads can use one record
at the same time. Every method commits before it returns, so its change survives a crash of the process, and on
SQLite also a loss of power.

The status of a job changes in one direction only: ``queued`` → ``processing`` → ``completed`` | ``failed``. If a job
ends twice, because a second run began during the first, the record keeps the first end.

The workers of a service get their jobs from :attr:`JobStore.queue`. A job of the local backend runs in its Airflow
task, and is never in the queue.

The module uses only what SQLAlchemy Core 1.4 (Airflow 2.11) and 2.x (Airflow 3) have in common.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy import update as update_rows
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.job_record.database import SQLITE_WAIT, connect, padded, transaction
from airflow_provider_classify.job_record.job_queries import JobQueries
from airflow_provider_classify.job_record.job_table import (
    JOBS,
    UNFINISHED,
    cancelled,
    completed,
    failed,
    now,
)
from airflow_provider_classify.job_record.schema import upgrade_database
from airflow_provider_classify.job_record.work_queue import LEASE, Claim, WorkQueue, time_in
from airflow_provider_classify.job_record.writes import Writes
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.result import ClassificationResult

# These statements are built once, because building one takes longer than running it. Each call passes its values.
_INSERT = insert(JOBS)
_UPDATE_UNFINISHED = update_rows(JOBS).where(
    JOBS.c.job_id == bindparam("unfinished_job"), JOBS.c.status.in_(UNFINISHED)
)
_UPDATE_CLAIMED = update_rows(JOBS).where(
    JOBS.c.job_id == bindparam("claimed_job"), JOBS.c.lease == bindparam("held_lease")
)
_Returned = TypeVar("_Returned")

#: How long a job is kept after its end, by default.
KEEP_FINISHED = timedelta(days=21)
#: The most expired jobs that one :meth:`JobStore.add` deletes, by default.
PRUNED_PER_ADD = 100


class JobStore(JobQueries):
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
        super().__init__(connect(url, sqlite_wait=sqlite_wait), keep_finished)
        self._pruned_per_add = pruned_per_add
        upgrade_database(self._engine)
        self._writes = Writes(self._engine)
        #: The jobs for the workers of a service.
        self.queue = WorkQueue(self._engine, self._writes, lease)
        self._insert_into_queue = _INSERT.values(free_at=time_in(self._engine))

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
        escalations: int = 0,
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
        :param escalations: how many services have escalated the document.
        :raises IdempotencyKeyReused: the job with the key has another fingerprint.
        """
        if not for_workers:  # a service deletes expired jobs periodically, and not while a client waits
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
            "owner": owner,
            "traceparent": traceparent,
            "escalations": escalations,
        }
        query = self._insert_into_queue if for_workers else _INSERT
        for is_last_attempt in (False, True):
            try:
                self._writes.run(lambda connection: connection.execute(query, row))
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
        Delete the data of a job.

        A job that has not ended is cancelled, so that its client does not wait in vain. Then the record keeps the
        cancelled job, without the document's name and the categories, until the next delete.

        :param unless_ended: leave a job that has ended as it is.
        :returns: the job as it was if it had ended; otherwise the cancelled job.
        :raises JobNotFound: the job does not exist.
        """
        nothing = {"document": "", "categories": "[]", "document_bytes": None}
        if self._update(job_id, **failed(cancelled(job_id)), **nothing):
            return self.get(job_id)
        job = self.get(job_id)
        if unless_ended:
            return job
        self._writes.run(lambda connection: connection.execute(delete(JOBS).where(JOBS.c.job_id == job_id)))
        return job

    def write(self, work: Callable[[Connection], _Returned], *, is_durable: bool = True) -> _Returned:
        """
        Call ``work`` in a transaction, for tables beside the record; see :meth:`~.writes.Writes.run`.

        :raises JobRecordUnavailable: the database cannot be reached, or a statement failed.
        """
        return self._writes.run(work, is_durable=is_durable)

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
        """Delete expired jobs, at most ``pruned_per_add``. Return how many were deleted."""
        return self._prune()

    def _update(self, job_id: str, **values: Any) -> bool:
        """
        Update a job that has not ended, and return ``True``. If the job has ended, change nothing and return ``False``.

        :raises JobNotFound: the job does not exist.
        """
        values["unfinished_job"] = job_id
        changed = self._writes.run(lambda connection: connection.execute(_UPDATE_UNFINISHED, values).rowcount)
        if not changed:
            self._row(job_id, JOBS.c.job_id)
        return bool(changed)

    def _end_claim(self, claim: Claim, values: dict[str, Any]) -> bool:
        values |= {"claimed_job": claim.job_id, "held_lease": claim.lease}
        return bool(self._writes.run(lambda connection: connection.execute(_UPDATE_CLAIMED, values).rowcount))

    def _prune(self, *conditions: ColumnElement[bool]) -> int:
        """Delete some expired jobs. Not every database can limit a ``DELETE``, so a query selects them first."""
        expired = JOBS.c.finished_at < now() - self._keep_finished
        query = select(JOBS.c.job_id).where(expired, *conditions).limit(self._pruned_per_add)
        with transaction(self._engine) as connection:
            job_ids = list(connection.execute(query).scalars())
        if job_ids:
            expired_rows = delete(JOBS).where(JOBS.c.job_id.in_(padded(job_ids)))
            self._writes.run(lambda connection: connection.execute(expired_rows))
        return len(job_ids)
