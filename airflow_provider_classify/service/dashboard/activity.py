"""
Read the data of the page from the record: the queue, the throughput and the recent jobs.

Every process of the service reads the same record, so the page is the same on each of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, func, literal, select, union_all
from sqlalchemy.engine import Connection

from airflow_provider_classify.job_record.backlog import Backlog
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import JOBS
from airflow_provider_classify.model.job import JobStatus

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect

#: How many recent jobs the page lists.
LISTED = 30
#: The number of minutes for which the page shows the throughput.
MINUTES = 60
#: The most characters of a text in the list. Longer texts are cut.
_LONGEST = 300
_ENDED = (JobStatus.COMPLETED.value, JobStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class ListedJob:
    """
    A job in the list.

    :param seconds: the seconds since the submit, until the end or until now.
    :param is_escalated: whether another API was asked about the document.
    """

    job_id: str
    document: str
    status: str
    submitted_at: datetime
    seconds: float
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
            "seconds": round(self.seconds, 1),
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
    The current activity of the service.

    :param backlog: the jobs of all owners that have not ended.
    :param completed: the jobs that completed in each of the last :data:`MINUTES` minutes, the oldest minute first.
    :param failed: the jobs that failed in each of these minutes.
    :param jobs: the newest jobs of one owner.
    """

    backlog: Backlog
    completed: tuple[int, ...]
    failed: tuple[int, ...]
    jobs: tuple[ListedJob, ...]


def read_activity(store: JobStore, now: datetime | None = None, *, owner: str = "") -> Activity:
    """
    Read the activity.

    :param now: the time in UTC without a time zone; ``None`` for the current time.
    :param owner: the owner whose jobs are listed. The queue and the throughput are those of all owners.
    :raises JobRecordUnavailable: the record cannot be read.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as connection:
        ended = _ended_by_minute(connection, now)
    return Activity(
        backlog=store.backlog(),
        completed=ended[JobStatus.COMPLETED.value],
        failed=ended[JobStatus.FAILED.value],
        jobs=tuple(_listed(row, now) for row in store.newest(LISTED, owner=owner)),
    )


def _ended_by_minute(connection: Connection, now: datetime) -> dict[str, tuple[int, ...]]:
    """Count the ends of the last minutes by status."""
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    limits = {f"minute_{index}": end - timedelta(minutes=MINUTES - index) for index in range(MINUTES + 1)}
    counts = {status: [0] * MINUTES for status in _ENDED}
    for status, index, count in connection.execute(_counts(), limits):
        counts[status][index] = count
    return {status: tuple(found) for status, found in counts.items()}


@cache
def _counts() -> CompoundSelect[Any]:
    """
    Return the query for the number of jobs that ended in each minute, with each status.

    Each number is the length of a range in an index. A query with a group for each minute would read and sort all jobs
    of the hour: 80 ms and 2 MB of SQLite's memory for 20,000 jobs, for each request of the page.
    """
    finished_at = JOBS.c.finished_at
    return union_all(
        *(
            select(literal(status), literal(index, Integer), func.count()).where(
                JOBS.c.status == status,
                finished_at >= bindparam(f"minute_{index}"),
                finished_at < bindparam(f"minute_{index + 1}"),
            )
            for status in _ENDED
            for index in range(MINUTES)
        )
    )


def _listed(row: Any, now: datetime) -> ListedJob:
    result = _answer(row["result"])
    classification, confidence = result.get("classification"), result.get("confidence")
    return ListedJob(
        job_id=row["job_id"],
        document=_clip(row["document"]),
        status=row["status"],
        submitted_at=row["created_at"],
        seconds=max(0.0, ((row["finished_at"] or now) - row["created_at"]).total_seconds()),
        classification=_clip(classification) if isinstance(classification, str) else None,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        is_blank=result.get("blank") is True,
        is_escalated="first_answer" in result,
        error=_clip(row["error"]) if row["error"] else None,
    )


def _answer(recorded: str | None) -> dict[str, Any]:
    """Return the recorded result. A job without a result, or with a damaged one, has an empty object."""
    try:
        result = json.loads(recorded) if recorded else {}
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
