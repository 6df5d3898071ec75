"""
Keep small pictures of the first pages of recent documents, for the page.

The documents themselves are deleted when they have been classified. The pictures are in the database of the record of
jobs, so that every process of the service can show them. Only the newest pictures are kept. A picture is deleted with
its job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, String, Table, delete, insert, literal, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from airflow_provider_classify.job_record.database import padded
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import JOBS, UNFINISHED

#: The most pictures that are kept.
KEPT = 100
#: The share of the engine's time that pictures may take, from 0 to 1.
SHARE = 0.01
#: The most seconds of drawing time that an idle service saves up.
SAVED_SECONDS = 0.5

PICTURES = Table(
    "classify_pictures",
    JOBS.metadata,
    Column("job_id", String(36), ForeignKey(JOBS.c.job_id, ondelete="CASCADE"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
    Column("created_at", DateTime, nullable=False, index=True),
)


class Pictures:
    """
    The pictures in the database of a record of jobs. Thread-safe.

    :param kept: the most pictures that are kept.
    """

    def __init__(self, store: JobStore, *, kept: int = KEPT) -> None:
        self._store = store
        self._kept = kept

    def add(self, job_id: str, jpeg: bytes) -> None:
        """
        Keep the picture of a job that has not ended, and delete the oldest pictures. A job that has ended gets none.

        :raises JobRecordUnavailable: the database cannot be reached.
        """
        # One statement checks the job and adds the picture, so that a job that is deleted at the same time gets none.
        job = select(JOBS.c.job_id, literal(jpeg, LargeBinary), literal(_now(), DateTime)).where(
            (JOBS.c.job_id == job_id) & JOBS.c.status.in_(UNFINISHED)
        )
        newest = select(PICTURES.c.job_id).order_by(PICTURES.c.created_at.desc()).limit(self._kept)

        def write(connection: Connection) -> None:
            connection.execute(insert(PICTURES).from_select(["job_id", "jpeg", "created_at"], job))
            # MySQL cannot delete from a table that a subquery with a limit reads, so the ids are read first.
            kept = list(connection.execute(newest).scalars())
            if len(kept) == self._kept:
                connection.execute(delete(PICTURES).where(PICTURES.c.job_id.not_in(kept)))

        try:
            self._store.write(write, is_durable=False)
        except IntegrityError:
            return  # Another run of the job has already added its picture.

    def get(self, job_id: str, *, owner: str = "") -> bytes | None:
        """Return the picture of an owner's job as a JPEG; ``None`` if it has no picture."""
        query = select(PICTURES.c.jpeg).join(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.owner == owner)
        with self._store.transaction() as connection:
            return connection.execute(query).scalar()

    def among(self, job_ids: Sequence[str]) -> set[str]:
        """Return the ids of those jobs that have a picture."""
        query = select(PICTURES.c.job_id).where(PICTURES.c.job_id.in_(padded(job_ids)))
        with self._store.transaction() as connection:
            return set(connection.execute(query).scalars())

    def delete(self, job_id: str) -> None:
        """Delete the picture of a job, if it has one. A cancelled job stays in the record, so its picture would too."""
        with self._store.transaction() as connection:
            connection.execute(delete(PICTURES).where(PICTURES.c.job_id == job_id))


class DrawingTime:
    """
    Limits the time that pictures take from the classification of documents. Thread-safe.

    The time for pictures is a share of the time that passes. An idle service saves it up for the next documents.

    :param share: the share of the time that pictures may take, from 0 to 1.
    :param most: the most seconds that are saved up.
    :param clock: returns seconds that never go back.
    """

    def __init__(
        self, share: float = SHARE, most: float = SAVED_SECONDS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._share = share
        self._most = most
        self._clock = clock
        self._saved = most
        self._at = clock()
        self._lock = threading.Lock()

    def is_left(self) -> bool:
        """Return whether a picture may be drawn now."""
        with self._lock:
            self._save()
            return self._saved > 0

    def spend(self, seconds: float) -> None:
        """Count the seconds that a picture took. They may be more than the seconds that were left."""
        with self._lock:
            self._save()
            self._saved -= seconds

    def _save(self) -> None:
        now = self._clock()
        self._saved = min(self._most, self._saved + (now - self._at) * self._share)
        self._at = now


def _now() -> Any:
    return datetime.now(UTC).replace(tzinfo=None)
