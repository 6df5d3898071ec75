"""
Record the webhooks that must be sent, in the database of the record of jobs.

A webhook is recorded at the submit of its job. It is due from the end of the job until its receiver has accepted it or
the tries are used up. So a webhook is not lost whenever the service stops, and several processes can send the webhooks
of one record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Text, and_, delete, insert, or_, select
from sqlalchemy import update as update_rows

from airflow_provider_classify.exceptions import JobCancelled
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import JOBS, UNFINISHED, now

#: How long a process may take for one try. After that, another process may try too.
LEASE = timedelta(seconds=60)
#: How long a webhook without a job is kept. A webhook is recorded just before its job.
_KEEP_WITHOUT_JOB = timedelta(hours=1)

#: A migration creates the table.
WEBHOOKS = Table(
    "classify_webhooks",
    MetaData(),
    Column("job_id", String(36), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """
    A webhook that one process has claimed.

    :param owner: the owner of the job, which is the name of the client's key.
    :param attempt: the number of this try, from 1.
    :param traceparent: the trace of the job, if it has one.
    """

    job_id: str
    owner: str
    url: str
    attempt: int
    traceparent: str | None


class WebhookStore:
    """
    The recorded webhooks. All methods are thread-safe.

    :param now: returns the time in UTC, without a time zone.
    """

    def __init__(self, jobs: JobStore, now: Callable[[], datetime] = now) -> None:
        self._jobs = jobs
        self._now = now

    def add(self, job_id: str, owner: str, url: str) -> None:
        """Record the webhook of a job. The job itself is recorded after this."""
        row = {"job_id": job_id, "owner": owner, "url": url, "attempts": 0, "due_at": self._now()}
        with self._jobs.transaction() as connection:
            connection.execute(insert(WEBHOOKS).values(**row))

    def remove(self, job_id: str) -> None:
        """Delete the webhook of a job, if it has one. The webhook was accepted or given up, or the job was deleted."""
        with self._jobs.transaction() as connection:
            connection.execute(delete(WEBHOOKS).where(WEBHOOKS.c.job_id == job_id))

    def claim(self, most: int, owners: Collection[str] | None = None) -> list[DueWebhook]:
        """
        Claim up to ``most`` webhooks that are due.

        Each is due again after :data:`LEASE`, unless :meth:`try_again` or :meth:`remove` is called before.

        :param owners: claim only the webhooks of these owners; ``None`` for all.
        """
        due = self._due(*WEBHOOKS.c, JOBS.c.traceparent)
        if owners is not None:
            due = due.where(WEBHOOKS.c.owner.in_(sorted(owners)))
        with self._jobs.transaction() as connection:
            rows = connection.execute(due.order_by(WEBHOOKS.c.due_at).limit(most)).all()
        return [claimed for row in rows if (claimed := self._take(row))]

    def is_due_for_others(self, owners: Collection[str]) -> bool:
        """Return whether a webhook of an owner that is not in ``owners`` is due."""
        due = self._due(WEBHOOKS.c.job_id).where(WEBHOOKS.c.owner.not_in(sorted(owners)))
        with self._jobs.transaction() as connection:
            return connection.execute(due.limit(1)).first() is not None

    def try_again(self, webhook: DueWebhook, after: timedelta, *, counted: bool = True) -> None:
        """
        Make a claimed webhook due later.

        :param after: how long the webhook waits for its next try.
        :param counted: whether this try counts. It does not if a stop of the service has interrupted it.
        """
        attempts = webhook.attempt if counted else webhook.attempt - 1
        with self._jobs.transaction() as connection:
            connection.execute(
                update_rows(WEBHOOKS)
                .where(WEBHOOKS.c.job_id == webhook.job_id)
                .values(due_at=self._now() + after, attempts=attempts)
            )

    def remove_without_job(self) -> None:
        """Delete the webhooks whose job was deleted, or was never recorded."""
        jobs = select(JOBS.c.job_id).where(JOBS.c.job_id == WEBHOOKS.c.job_id).exists()
        with self._jobs.transaction() as connection:
            connection.execute(delete(WEBHOOKS).where(WEBHOOKS.c.due_at < self._now() - _KEEP_WITHOUT_JOB, ~jobs))

    def _due(self, *columns: Any) -> Any:
        joined = select(*columns).join_from(WEBHOOKS, JOBS, JOBS.c.job_id == WEBHOOKS.c.job_id)
        # Only its client's DELETE cancels a job. The DELETE removes the webhook a moment later. Until then, the webhook
        # must not be sent.
        is_kept = or_(JOBS.c.error_kind.is_(None), JOBS.c.error_kind != JobCancelled.__name__)
        return joined.where(WEBHOOKS.c.due_at <= self._now(), JOBS.c.status.not_in(UNFINISHED), is_kept)

    def _take(self, row: Any) -> DueWebhook | None:
        """Claim a webhook that was found due; return ``None`` if another process has claimed it meanwhile."""
        as_found = and_(WEBHOOKS.c.job_id == row.job_id, WEBHOOKS.c.due_at == row.due_at)
        values = {"due_at": self._now() + LEASE, "attempts": row.attempts + 1}
        with self._jobs.transaction() as connection:
            changed = connection.execute(update_rows(WEBHOOKS).where(as_found).values(**values)).rowcount
        return DueWebhook(row.job_id, row.owner, row.url, row.attempts + 1, row.traceparent) if changed else None
