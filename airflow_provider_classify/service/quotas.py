"""Count the documents of each key in a month, in the database of the record, which all processes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Integer, MetaData, String, Table, and_, insert, select
from sqlalchemy import update as update_rows
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import ColumnElement

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.service.api_keys import Key
from airflow_provider_classify.service.errors import quota_exceeded

#: A migration creates the table.
QUOTAS = Table(
    "classify_quotas",
    MetaData(),
    Column("owner", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("used", Integer, nullable=False),
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Taken:
    """
    The count of a document, so that it can be given back.

    :param month: the month in which the document was counted, such as 2026-11.
    :param remaining: the documents left in that month; ``None`` for a key without a quota, which is not counted.
    """

    month: str
    remaining: int | None


class Quotas:
    """
    The documents that keys have submitted. All methods are thread-safe.

    :param now: returns the time in UTC.
    """

    def __init__(self, jobs: JobStore, now: Callable[[], datetime] = _now) -> None:
        self._jobs = jobs
        self._now = now

    def take(self, key: Key) -> Taken:
        """
        Count a document, if the key has a quota.

        :raises HttpError: 402, the quota is used up.
        """
        month = self._month()
        if key.quota is None:
            return Taken(month, None)
        for _ in range(2):
            used = self._add(key.name, month, key.quota) or self._begin(key.name, month)
            if used:
                return Taken(month, key.quota - used)
            # Either another process has added the row of the month meanwhile, or the quota is used up.
        raise quota_exceeded(key.quota, self._used(key.name, month))

    def give_back(self, key: Key, taken: Taken) -> None:
        """Take back the count of a document that did not become a job."""
        if taken.remaining is None:
            return
        counted = and_(_row(key.name, taken.month), QUOTAS.c.used > 0)
        with self._jobs.transaction() as connection:
            connection.execute(update_rows(QUOTAS).where(counted).values(used=QUOTAS.c.used - 1))

    def remaining(self, key: Key) -> int | None:
        """Return the documents that the key has left in this month; ``None`` for a key without a quota."""
        return None if key.quota is None else max(0, key.quota - self._used(key.name, self._month()))

    def check(self, key: Key) -> None:
        """Check that the key may submit a document, without counting it. :raises HttpError: 402."""
        if key.quota is not None and self.remaining(key) == 0:
            raise quota_exceeded(key.quota, self._used(key.name, self._month()))

    def _month(self) -> str:
        return self._now().strftime("%Y-%m")

    def _add(self, owner: str, month: str, limit: int) -> int:
        """Count a document. Return the new count; 0 if the month has no row yet, or the limit is reached."""
        below = and_(_row(owner, month), QUOTAS.c.used < limit)
        with self._jobs.transaction() as connection:
            # The update locks the row, so the query below reads the count that the update has written.
            if not connection.execute(update_rows(QUOTAS).where(below).values(used=QUOTAS.c.used + 1)).rowcount:
                return 0
            return int(connection.execute(select(QUOTAS.c.used).where(_row(owner, month))).scalar_one())

    def _begin(self, owner: str, month: str) -> int:
        """Count the first document of a month. Return 1; 0 if the month has a row already."""
        try:
            with self._jobs.transaction() as connection:
                connection.execute(insert(QUOTAS).values(owner=owner, month=month, used=1))
        except IntegrityError:
            return 0
        return 1

    def _used(self, owner: str, month: str) -> int:
        with self._jobs.transaction() as connection:
            return int(connection.execute(select(QUOTAS.c.used).where(_row(owner, month))).scalar() or 0)


def _row(owner: str, month: str) -> ColumnElement[bool]:
    return and_(QUOTAS.c.owner == owner, QUOTAS.c.month == month)
