"""
The queue of jobs that the workers of a service share, in the record of jobs.

A worker *claims* a job. The claim has a lease, which the worker renews while it works. If the worker dies, the lease
expires, and another worker claims the job. A worker whose lease has expired cannot record a result any more, so each
job has one result.

The times of leases are those of the database server, because the clocks of machines differ. On SQLite, which has no
server, they are those of the machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, and_, case, func, or_, select
from sqlalchemy import update as update_rows
from sqlalchemy.engine import Connection, Engine

from airflow_provider_classify.local.database import transaction
from airflow_provider_classify.local.job_table import JOBS, UNFINISHED, now
from airflow_provider_classify.model.job import JobStatus

#: How long a worker has a job before it must renew the lease.
LEASE = timedelta(seconds=20)

#: A job is stored when its document has arrived. A job without document and URL is claimed too, to end with an error.
_IS_STORED = or_(JOBS.c.document_bytes.is_not(None), JOBS.c.file_url.is_(None))


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A job that a worker has taken.

    :param lease: the id of this run of the job.
    :param crashes: how many earlier runs ended because the engine's process died.
    :param losses: how many earlier runs ended because their worker disappeared.
    """

    job_id: str
    lease: str
    crashes: int = 0
    losses: int = 0


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


class WorkQueue:
    """
    The queue in one database. Threads and processes can use it at the same time.

    :param lease: how long a worker has a job before it must renew the lease.
    """

    def __init__(self, engine: Engine, lease: timedelta) -> None:
        self._engine = engine
        self.lease = lease

    def claim(self, *, lost_before: bool = True) -> Claim | None:
        """
        Take the job that has waited longest for its classification; return ``None`` if no job waits.

        :param lost_before: also take a job whose earlier run ended because its worker disappeared.
        """
        wanted = _IS_STORED if lost_before else and_(_IS_STORED, JOBS.c.lease.is_(None), JOBS.c.losses == 0)
        return self._claim(wanted, **_started())

    def claim_fetch(self) -> Claim | None:
        """Take the job that has waited longest for the fetch of its document; return ``None`` if no job waits."""
        return self._claim(~_IS_STORED)

    def begin(self, claim: Claim) -> bool:
        """Record that the work on a claimed job has begun. Return ``False`` if the lease has been lost."""
        return self._update(claim, **_started())

    def store_document(self, claim: Claim, document_bytes: int) -> bool:
        """
        Record that the document of a claimed job has been fetched, so that a worker can claim it for classification.

        :param document_bytes: the size of the document.
        :returns: ``False`` if the lease has been lost; nothing has changed.
        """
        return self._update(claim, document_bytes=document_bytes, lease=None, free_at=now_in(self._engine))

    def give_back(self, claim: Claim, *, after: timedelta = timedelta(0), crashed: bool = False) -> bool:
        """
        Give a claimed job back, so that another worker can claim it.

        :param after: how long no worker may claim the job.
        :param crashed: whether the engine's process died of the document.
        :returns: ``False`` if the lease has been lost; nothing has changed.
        """
        crashes = JOBS.c.crashes + 1 if crashed else JOBS.c.crashes
        return self._update(claim, lease=None, free_at=now_in(self._engine) + after, crashes=crashes)

    def renew(self, claims: Collection[Claim]) -> list[Claim]:
        """Renew the leases of claims. Return the claims whose job has another lease now, or has ended."""
        if not claims:
            return []
        held = and_(JOBS.c.job_id.in_([claim.job_id for claim in claims]), JOBS.c.lease.in_([c.lease for c in claims]))
        with transaction(self._engine) as connection:
            connection.execute(update_rows(JOBS).where(held).values(free_at=now_in(self._engine) + self.lease))
        with transaction(self._engine) as connection:
            kept = set(connection.execute(select(JOBS.c.lease).where(held)).scalars())
        return [claim for claim in claims if claim.lease not in kept]

    def expire_leases(self) -> None:
        """
        Let all leases expire now, so that the jobs run again in the order of their submits.

        Only a process that knows that there is no other may call this.
        """
        query = update_rows(JOBS).where(JOBS.c.lease.is_not(None), JOBS.c.status.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            connection.execute(query.values(free_at=JOBS.c.created_at))

    def adopt(self, job_id: str, document_bytes: int | None) -> None:
        """
        Put an unfinished job into the queue, if a version without a queue recorded it.

        :param document_bytes: the size of the document, or ``None`` if it must be fetched.
        """
        is_missing = and_(JOBS.c.free_at.is_(None), JOBS.c.status.in_(UNFINISHED))
        query = update_rows(JOBS).where(JOBS.c.job_id == job_id, is_missing)
        with transaction(self._engine) as connection:
            connection.execute(query.values(document_bytes=document_bytes, free_at=now_in(self._engine)))

    def waiting(self) -> Waiting:
        """Count the jobs that wait. A job waits until its document has arrived and a worker has claimed it."""
        waits = or_(JOBS.c.lease.is_(None), ~_IS_STORED)
        count = func.coalesce(func.sum(case((waits, 1), else_=0)), 0)
        to_fetch = func.coalesce(func.sum(case((_IS_STORED, 0), else_=1)), 0)
        size = func.coalesce(func.sum(JOBS.c.document_bytes), 0)
        query = select(count, to_fetch, size).where(JOBS.c.free_at.is_not(None))
        with transaction(self._engine) as connection:
            return Waiting(*map(int, connection.execute(query).one()))

    def _claim(self, wanted: Any, **values: Any) -> Claim | None:
        waits = and_(JOBS.c.free_at <= now_in(self._engine), JOBS.c.status.in_(UNFINISHED), wanted)
        columns = (JOBS.c.job_id, JOBS.c.lease, JOBS.c.crashes, JOBS.c.losses)
        query = select(*columns).where(waits).order_by(JOBS.c.free_at).limit(1).with_for_update(skip_locked=True)

        def take(connection: Connection, row: Any) -> Claim | None:
            claim = Claim(row.job_id, str(uuid.uuid4()), row.crashes, row.losses + (row.lease is not None))
            leased = {"lease": claim.lease, "losses": claim.losses, "free_at": now_in(self._engine) + self.lease}
            update = update_rows(JOBS).where(JOBS.c.job_id == claim.job_id, waits).values(**leased, **values)
            return claim if connection.execute(update).rowcount else None

        while True:
            with transaction(self._engine) as connection:
                row = connection.execute(query).first()
                if row is None:
                    return None
                if self._engine.dialect.name != "sqlite":
                    return take(connection, row)  # No other process can claim the row, because it is locked.
            # SQLite locks no rows, and this transaction must not read before it writes. If another process has claimed
            # the job since, the update finds no row.
            with transaction(self._engine) as connection:
                if claim := take(connection, row):
                    return claim

    def _update(self, claim: Claim, **values: Any) -> bool:
        held = and_(JOBS.c.job_id == claim.job_id, JOBS.c.lease == claim.lease)
        with transaction(self._engine) as connection:
            return bool(connection.execute(update_rows(JOBS).where(held).values(**values)).rowcount)


def _started() -> dict[str, Any]:
    return {"status": JobStatus.PROCESSING.value, "started_at": func.coalesce(JOBS.c.started_at, now())}


def now_in(engine: Engine) -> Any:
    """Return the time of the database in UTC without a time zone: an SQL expression, or on SQLite the value."""
    if engine.dialect.name == "postgresql":
        return func.timezone("UTC", func.statement_timestamp(), type_=DateTime())
    return now()
