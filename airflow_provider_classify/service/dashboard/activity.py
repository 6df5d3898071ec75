"""
Read from the record what the page shows: the queue, the throughput and the recent jobs.

Every process of the service reads the same record, so the page is the same on each of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, cast, extract, func, select
from sqlalchemy.engine import Connection

from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.local.job_table import JOBS
from airflow_provider_classify.model.job import JobStatus

#: The recent jobs that the page lists.
LISTED = 30
#: The minutes of the throughput.
MINUTES = 60
#: The most characters of a text in the list. Longer texts are cut.
_LONGEST = 300
_ENDED = (JobStatus.COMPLETED.value, JobStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class ListedJob:
    """
    A job in the list. Times are in seconds.

    :param waited: from the submit to the start, or to now.
    :param took: from the start to the end, or to now; ``None`` before the start.
    :param is_escalated: whether another API was asked about the document.
    """

    job_id: str
    document: str
    status: str
    submitted_at: datetime
    waited: float
    took: float | None = None
    classification: str | None = None
    confidence: float | None = None
    is_blank: bool = False
    is_escalated: bool = False
    error: str | None = None

    def to_json(self, *, has_picture: bool) -> dict[str, Any]:
        """Return the job for the page."""
        return {
            "job_id": self.job_id,
            "document": self.document,
            "status": self.status,
            "submitted_at": self.submitted_at.replace(tzinfo=UTC).isoformat(timespec="seconds"),
            "waited": round(self.waited, 1),
            "took": None if self.took is None else round(self.took, 1),
            "classification": self.classification,
            "confidence": self.confidence,
            "is_blank": self.is_blank,
            "is_escalated": self.is_escalated,
            "error": self.error,
            "has_picture": has_picture,
        }


@dataclass(frozen=True, slots=True)
class Activity:
    """
    What the service does now.

    :param oldest_seconds: how long the oldest queued job has waited; ``None`` if no job waits.
    :param completed: the jobs that completed in each of the last :data:`MINUTES` minutes, the oldest minute first.
    :param failed: the jobs that failed in each of these minutes.
    """

    queued: int
    processing: int
    oldest_seconds: float | None
    completed: tuple[int, ...]
    failed: tuple[int, ...]
    jobs: tuple[ListedJob, ...]


def read_activity(store: JobStore, now: datetime | None = None) -> Activity:
    """
    Read the activity.

    :param now: the time in UTC without a time zone; the current time if None.
    :raises JobRecordUnavailable: the record cannot be read.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as connection:
        counts, oldest = _queue(connection)
        ended = _ended_by_minute(connection, now)
    return Activity(
        queued=counts.get(JobStatus.QUEUED.value, 0),
        processing=counts.get(JobStatus.PROCESSING.value, 0),
        oldest_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
        completed=ended[JobStatus.COMPLETED.value],
        failed=ended[JobStatus.FAILED.value],
        jobs=tuple(_listed(row, now) for row in store.newest(LISTED)),
    )


def _queue(connection: Connection) -> tuple[dict[str, int], datetime | None]:
    waits = JOBS.c.free_at.is_not(None)  # It is null when a job has ended, and it has an index.
    counted = select(JOBS.c.status, func.count()).where(waits).group_by(JOBS.c.status)
    oldest = select(func.min(JOBS.c.created_at)).where(waits, JOBS.c.status == JobStatus.QUEUED.value)
    return dict(map(tuple, connection.execute(counted))), connection.execute(oldest).scalar()


def _ended_by_minute(connection: Connection, now: datetime) -> dict[str, tuple[int, ...]]:
    """Count the ends of the last minutes by status."""
    start = now - timedelta(minutes=MINUTES)
    # Seconds are cut off in whole numbers, because databases round a division in different ways.
    seconds = cast(extract("epoch", JOBS.c.finished_at), Integer)
    minute = seconds - seconds % 60
    query = select(JOBS.c.status, minute, func.count()).where(JOBS.c.finished_at > start)
    counts = {status: [0] * MINUTES for status in _ENDED}
    last = int(now.replace(tzinfo=UTC).timestamp()) // 60
    for status, ended, count in connection.execute(query.group_by(JOBS.c.status, minute)):
        index = MINUTES - 1 - (last - int(ended) // 60)
        if status in counts and 0 <= index < MINUTES:
            counts[status][index] += count
    return {status: tuple(found) for status, found in counts.items()}


def _listed(row: Any, now: datetime) -> ListedJob:
    result = _answer(row["result"])
    started, ended = row["started_at"], row["finished_at"]
    waited_until = started or ended or now
    classification, confidence = result.get("classification"), result.get("confidence")
    return ListedJob(
        job_id=row["job_id"],
        document=_clip(row["document"]),
        status=row["status"],
        submitted_at=row["created_at"],
        waited=max(0.0, (waited_until - row["created_at"]).total_seconds()),
        took=max(0.0, ((ended or now) - started).total_seconds()) if started else None,
        classification=_clip(classification) if isinstance(classification, str) else None,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        is_blank=result.get("blank") is True,
        is_escalated="first_answer" in result,
        error=_clip(row["error"]) if row["error"] else None,
    )


def _answer(recorded: str | None) -> dict[str, Any]:
    """Return the recorded result; an empty object if there is none or if it is damaged, as the API shows it."""
    try:
        result = json.loads(recorded) if recorded else {}
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
