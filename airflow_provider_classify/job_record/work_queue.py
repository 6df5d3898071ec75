"""
The queue of jobs that the workers of a service share, in the record of jobs.

A worker *claims* a job. The claim has a lease, which the worker renews while it works. If the worker dies, the lease
expires, and another worker claims the job. Then the first worker cannot record a result any more, so each job has one
result.

The times of leases are those of the database server, because the clocks of machines differ. On SQLite, which has no
server, they are those of the machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, and_, bindparam, case, func, or_, select
from sqlalchemy import update as update_rows
from sqlalchemy.engine import Connection, Engine

from airflow_provider_classify.exceptions import JobRecordDamaged
from airflow_provider_classify.job_record.database import padded, transaction
from airflow_provider_classify.job_record.job_table import JOBS, REQUEST, UNFINISHED, JobRequest, now, request_from_row
from airflow_provider_classify.job_record.writes import Writes
from airflow_provider_classify.model.job import JobStatus

#: How long a worker has a job before it must renew the lease.
LEASE = timedelta(seconds=20)

#: A job is stored when its document has arrived. A job without document and URL is claimed too, to end with an error.
_IS_STORED = or_(JOBS.c.document_bytes.is_not(None), JOBS.c.file_url.is_(None))
#: Whether a job is in the queue or claimed. This comparison uses the index of the column. With ``IS NOT NULL``, SQLite
#: would read all rows, including those of ended jobs.
_IS_QUEUED = JOBS.c.free_at > datetime(1970, 1, 1)


def _machine_time(after: timedelta = timedelta(0)) -> Any:
    return bindparam(None, callable_=lambda: now() + after, type_=DateTime(), unique=True)


#: The values that a job gets when the work on it begins.
_STARTED: dict[str, Any] = {
    "status": JobStatus.PROCESSING.value,
    "started_at": func.coalesce(JOBS.c.started_at, _machine_time()),
}
#: Counts the jobs that wait. A job waits until its document has arrived and a worker has claimed it.
_WAITING = select(
    func.coalesce(func.sum(case((or_(JOBS.c.lease.is_(None), ~_IS_STORED), 1), else_=0)), 0),
    func.coalesce(func.sum(case((_IS_STORED, 0), else_=1)), 0),
    func.coalesce(func.sum(JOBS.c.document_bytes), 0),
).where(_IS_QUEUED)


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A job that a worker has taken.

    :param lease: the id of this run of the job.
    :param crashes: how many earlier runs ended because the engine's process died.
    :param losses: how many earlier runs ended because their worker disappeared.
    :param request: the submit of the job; ``None`` if it was not read, or is damaged.
    """

    job_id: str
    lease: str
    crashes: int = 0
    losses: int = 0
    request: JobRequest | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    The jobs that wait for a worker.

    :param jobs: their number.
    :param to_fetch: how many of them have a document that must still be fetched.
    :param document_bytes: the size of the stored documents of all jobs that have not ended.
    """

    jobs: int
    to_fetch: int
    document_bytes: int

    def __add__(self, other: Waiting) -> Waiting:
        return Waiting(
            self.jobs + other.jobs, self.to_fetch + other.to_fetch, self.document_bytes + other.document_bytes
        )

    def __sub__(self, other: Waiting) -> Waiting:
        return self + Waiting(-other.jobs, -other.to_fetch, -other.document_bytes)


class WorkQueue:
    """
    The queue in one database. Threads and processes can use it at the same time.

    A claim and its renewals need not survive a loss of power, because after it no worker has a job any more.

    :param lease: how long a worker has a job before it must renew the lease.
    """

    def __init__(self, engine: Engine, writes: Writes, lease: timedelta) -> None:
        self._engine = engine
        self._writes = writes
        self.lease = lease
        # These statements are built once, because building one takes longer than running it.
        self._any_stored = self._first(_IS_STORED)
        self._first_run = self._first(and_(_IS_STORED, JOBS.c.lease.is_(None), JOBS.c.losses == 0))
        self._to_fetch = self._first(~_IS_STORED)
        taken = {"lease": bindparam("new_lease"), "losses": bindparam("new_losses"), "free_at": self._time(after=lease)}
        self._take = update_rows(JOBS).where(JOBS.c.job_id == bindparam("claimed")).values(**taken)
        self._take_and_start = self._take.values(**_STARTED)

    def claim(self, *, lost_before: bool = True) -> Claim | None:
        """
        Take the job that has waited longest for its classification; return ``None`` if no job waits.

        :param lost_before: also take a job whose earlier run ended because its worker disappeared.
        """
        return self._claim(self._any_stored if lost_before else self._first_run, self._take_and_start)

    def claim_fetch(self) -> Claim | None:
        """Take the job that has waited longest for the fetch of its document; return ``None`` if no job waits."""
        return self._claim(self._to_fetch, self._take)

    def begin(self, claim: Claim) -> bool:
        """Record that the work on a claimed job has begun. Return ``False`` if the lease has been lost."""
        return self._update(claim, **_STARTED)

    def store_document(self, claim: Claim, document_bytes: int) -> bool:
        """
        Record that the document of a claimed job has been fetched, so that a worker can claim it for classification.

        :param document_bytes: the size of the document.
        :returns: ``False`` if the lease has been lost; nothing has changed.
        """
        values: dict[str, Any] = {"document_bytes": document_bytes, "lease": None, "free_at": self._time()}
        return self._update(claim, is_durable=True, **values)

    def give_back(self, claim: Claim, *, after: timedelta = timedelta(0), crashed: bool = False) -> bool:
        """
        Give a claimed job back, so that another worker can claim it.

        :param after: how long no worker may claim the job.
        :param crashed: whether the engine's process died because of the document.
        :returns: ``False`` if the lease has been lost; nothing has changed.
        """
        crashes = JOBS.c.crashes + 1 if crashed else JOBS.c.crashes
        values: dict[str, Any] = {"lease": None, "free_at": self._time(after=after), "crashes": crashes}
        return self._update(claim, is_durable=True, **values)

    def renew(self, claims: Collection[Claim]) -> list[Claim]:
        """Renew the leases of claims. Return the claims whose job has another lease now, or has ended."""
        if not claims:
            return []
        held = and_(
            JOBS.c.job_id.in_(padded([claim.job_id for claim in claims])),
            JOBS.c.lease.in_(padded([claim.lease for claim in claims])),
        )

        def renew(connection: Connection) -> set[str]:
            connection.execute(update_rows(JOBS).where(held).values(free_at=self._time(after=self.lease)))
            return set(connection.execute(select(JOBS.c.lease).where(held)).scalars())

        kept = self._writes.run(renew, is_durable=False)
        return [claim for claim in claims if claim.lease not in kept]

    def expire_leases(self) -> None:
        """
        Let all leases expire now, so that the jobs run again in the order of their submits.

        Call this only if no other process uses the queue.
        """
        query = update_rows(JOBS).where(JOBS.c.lease.is_not(None), JOBS.c.status.in_(UNFINISHED))
        self._writes.run(lambda connection: connection.execute(query.values(free_at=JOBS.c.created_at)))

    def adopt(self, job_id: str, document_bytes: int | None) -> None:
        """
        Put an unfinished job into the queue, if a version without a queue recorded it.

        :param document_bytes: the size of the document, or ``None`` if it must be fetched.
        """
        is_missing = and_(JOBS.c.free_at.is_(None), JOBS.c.status.in_(UNFINISHED))
        query = update_rows(JOBS).where(JOBS.c.job_id == job_id, is_missing)
        values = {"document_bytes": document_bytes, "free_at": self._time()}
        self._writes.run(lambda connection: connection.execute(query.values(**values)))

    def waiting(self) -> Waiting:
        """Count the jobs that wait. A job waits until its document has arrived and a worker has claimed it."""
        with transaction(self._engine) as connection:
            return Waiting(*map(int, connection.execute(_WAITING).one()))

    def _time(self, *, after: timedelta = timedelta(0)) -> Any:
        return time_in(self._engine, after=after)

    def _first(self, wanted: Any) -> Any:
        """Return the query for the first of the wanted jobs that a worker may take."""
        columns = (JOBS.c.job_id, JOBS.c.lease, JOBS.c.crashes, JOBS.c.losses, *REQUEST)
        # An ended job has no ``free_at``. A condition on the status would keep SQLite from using that column's index.
        waits = select(*columns).where(JOBS.c.free_at <= self._time(), wanted)
        return waits.order_by(JOBS.c.free_at).limit(1).with_for_update(skip_locked=True)

    def _claim(self, query: Any, update: Any) -> Claim | None:
        def take(connection: Connection) -> Claim | None:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            losses = row["losses"] + (row["lease"] is not None)
            claim = Claim(row["job_id"], str(uuid.uuid4()), row["crashes"], losses, _request(row))
            taken = {"claimed": claim.job_id, "new_lease": claim.lease, "new_losses": claim.losses}
            connection.execute(update, taken)
            return claim

        # No other process can claim the row: a server locks it, and SQLite lets one transaction write at a time.
        return self._writes.run(take, is_durable=False)

    def _update(self, claim: Claim, *, is_durable: bool = False, **values: Any) -> bool:
        """Change the row of a claimed job. Return ``False`` if the lease has been lost; nothing has changed."""
        query = update_rows(JOBS).where(JOBS.c.job_id == claim.job_id, JOBS.c.lease == claim.lease).values(**values)
        return bool(self._writes.run(lambda connection: connection.execute(query).rowcount, is_durable=is_durable))


def _request(row: Any) -> JobRequest | None:
    with suppress(JobRecordDamaged):  # the worker reads the row again, and reports the error
        return request_from_row(row["job_id"], row)
    return None


def time_in(engine: Engine, *, after: timedelta = timedelta(0)) -> Any:
    """Return an expression for the time of the database, in UTC without a time zone, plus ``after``."""
    if engine.dialect.name == "postgresql":
        return func.timezone("UTC", func.statement_timestamp(), type_=DateTime()) + after
    return _machine_time(after)
