"""
The durable record of jobs.

The service keeps its jobs here (SQLite in its data folder), and so does the local backend (SQLite
under Airflow's home, or any SQLAlchemy URL that all machines reach). Several processes and threads
may use one record at the same time. What is recorded has been committed: it survives a crash of the
process, and on SQLite a loss of power too.

A job changes in one direction only, ``queued`` → ``processing`` → ``completed`` | ``failed``. Its first
end counts: a job that was run twice, because the first run was believed dead, keeps its first answer.

SQLAlchemy Core as 1.4 (Airflow 2.11) and 2.x (Airflow 3) both have it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, String, Table, Text, delete, insert, inspect, select, text
from sqlalchemy import update as update_rows
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from airflow_provider_classify.exceptions import (
    ClassifyError,
    IdempotencyKeyReused,
    InvalidCategories,
    InvalidReply,
    JobCancelled,
    JobNotFound,
    JobRecordDamaged,
    JobRecordUnavailable,
)
from airflow_provider_classify.local.database import connect
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.model.job import Job, JobStatus, Progress, Statuses
from airflow_provider_classify.model.result import ClassificationResult

#: A finished job can be asked for this long; then it is pruned.
KEEP_FINISHED = timedelta(days=21)
#: So many expired jobs at most are pruned each time that one is added: no add waits long.
PRUNED_PER_ADD = 100

_UNFINISHED = (JobStatus.QUEUED.value, JobStatus.PROCESSING.value)

_metadata = MetaData()
_jobs = Table(
    "classify_jobs",
    _metadata,
    Column("job_id", String(36), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("progress", String(64), nullable=False),
    Column("error", Text),
    Column("error_kind", String(64)),
    Column("result", Text),
    Column("document", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("file_url", Text),
    Column("idempotency_key", String(255), unique=True),
    # Of the submit; null where the job was recorded by a version that did not keep it.
    Column("fingerprint", String(64)),
    # UTC without a time zone: the one form of a time that all databases share.
    Column("created_at", DateTime, nullable=False),
    Column("started_at", DateTime),
    Column("finished_at", DateTime, index=True),
)
#: What the API shows of a job.
_SHOWN = tuple(_jobs.c[name] for name in ("job_id", "status", "progress", "error", "error_kind", "result"))


@dataclass(frozen=True, slots=True)
class JobRequest:
    """
    What a job was asked to do.

    ``document`` is a name for people. ``file_url`` is where the service is to fetch the document
    from, ``None`` where it was uploaded or the job is finished (a URL may be signed, so it is forgotten).
    """

    document: str
    categories: tuple[Category, ...]
    file_url: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A job in the record, without what it was asked and what came out."""

    job_id: str
    status: str
    error_kind: str | None
    idempotency_key: str | None


class JobStore:
    """
    The record of jobs in the database at ``url``; the table (and the folder of a SQLite file) is made if missing.

    Threads may share one. Every process makes its own, as database connections do not survive a fork.

    :param url: a SQLAlchemy URL, such as ``sqlite:////var/lib/classify/jobs.db``.
    :raises ConnectionNotUsable: SQLAlchemy does not know such a URL, or its folder cannot be made.
    :raises ExtraNotInstalled: the driver that the URL names is not installed.
    :raises JobRecordUnavailable: the database cannot be reached. Every method raises this too.
    """

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self._create()

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
        Record a queued job; it is committed when this returns.

        Where the ``idempotency_key`` is recorded already, nothing is added and the job that has it is
        returned, whatever its state: its ``job_id`` is then another than the one given.

        :param job_id: for a caller that must know it beforehand; otherwise a new uuid4.
        :param fingerprint: of the submit, at most 64 characters: the same for the same document and categories.
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
            with self._begin() as connection:
                connection.execute(insert(_jobs).values(**row))
        except IntegrityError:
            # Another submit with this key came first, perhaps a moment ago from another process.
            known = self.find(idempotency_key, fingerprint) if idempotency_key else None
            if known is None:
                raise
            return known
        return job

    def start(self, job_id: str) -> None:
        """
        Record that work on the job begins.

        :raises JobNotFound: no such job.
        """
        self._update(job_id, status=JobStatus.PROCESSING.value, started_at=_now())

    def complete(self, job_id: str, result: ClassificationResult) -> None:
        """
        Record the job's result.

        :raises JobNotFound: no such job.
        """
        self._update(
            job_id,
            status=JobStatus.COMPLETED.value,
            progress=Progress.COMPLETED.value,
            result=json.dumps(result.to_json(), ensure_ascii=False),
            finished_at=_now(),
            file_url=None,
        )

    def fail(self, job_id: str, error: ClassifyError | str) -> None:
        """
        Record that the job failed, with the error's sentence and, of a :class:`ClassifyError`, its kind.

        :raises JobNotFound: no such job.
        """
        self._update(
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
        Record that the job was cancelled; a job that has ended stays as it ended.

        :raises JobNotFound: no such job.
        """
        self.fail(job_id, JobCancelled(f"The job {job_id} was cancelled; submit the document again if it is wanted."))

    def get(self, job_id: str) -> Job:
        """
        Return the job as the API shows it. A job whose record is damaged is shown as failed.

        :raises JobNotFound: no such job, or it finished more than :data:`KEEP_FINISHED` ago.
        """
        return _job(self._row(job_id, *_SHOWN))

    def statuses(self, job_ids: Sequence[str]) -> Statuses:
        """Read where jobs stand, in one query; at most 500 (:data:`MAX_STATUS_IDS`) at a time."""
        query = select(_jobs.c.job_id, _jobs.c.status).where(_jobs.c.job_id.in_(job_ids))
        with self._begin() as connection:
            found = {job_id: _status(status) for job_id, status in connection.execute(query)}
        return Statuses(found, tuple(job_id for job_id in job_ids if job_id not in found))

    def request(self, job_id: str) -> JobRequest:
        """
        Return what the job was asked to do.

        :raises JobNotFound: no such job.
        :raises JobRecordDamaged: what is recorded of the job cannot be read.
        """
        row = self._row(job_id, _jobs.c.document, _jobs.c.categories, _jobs.c.file_url)
        try:
            return JobRequest(row["document"], parse_categories(json.loads(row["categories"])), row["file_url"])
        except (ValueError, TypeError, InvalidCategories) as error:
            raise _damaged(job_id) from error

    def find(self, idempotency_key: str, fingerprint: str | None = None) -> Job | None:
        """
        Return the job that was added with this key, if there is one.

        :param fingerprint: of the submit that asks; without it, only the key is compared.
        :raises IdempotencyKeyReused: the job has another fingerprint.
        """
        query = select(*_SHOWN, _jobs.c.fingerprint).where(_jobs.c.idempotency_key == idempotency_key)
        with self._begin() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if fingerprint and row["fingerprint"] and fingerprint != row["fingerprint"]:
            raise IdempotencyKeyReused(
                f"The job {row['job_id']} was submitted with this Idempotency-Key, but with another document or other "
                "categories; use a new key for a new submit."
            )
        return _job(row)

    def jobs(self) -> list[RecordedJob]:
        """Return all jobs in the record, the oldest first."""
        columns = (_jobs.c.job_id, _jobs.c.status, _jobs.c.error_kind, _jobs.c.idempotency_key)
        with self._begin() as connection:
            return [RecordedJob(*row) for row in connection.execute(select(*columns).order_by(_jobs.c.created_at))]

    def check(self) -> None:
        """
        Check that the record can be read.

        :raises JobRecordUnavailable: it cannot.
        """
        with self._begin() as connection:
            connection.execute(select(_jobs.c.job_id).limit(1)).first()

    def unfinished(self) -> list[str]:
        """List the ids of the jobs that are queued or processing, the oldest first."""
        query = select(_jobs.c.job_id).where(_jobs.c.status.in_(_UNFINISHED)).order_by(_jobs.c.created_at)
        with self._begin() as connection:
            return list(connection.execute(query).scalars())

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _row(self, job_id: str, *columns: Any) -> Any:
        with self._begin() as connection:
            row = connection.execute(select(*columns).where(_jobs.c.job_id == job_id)).mappings().first()
        if row is None:
            raise not_recorded(job_id)
        return row

    def _update(self, job_id: str, **values: Any) -> None:
        """Change a job that has not ended; of one that has, only make sure that it exists."""
        still_open = (_jobs.c.job_id == job_id) & _jobs.c.status.in_(_UNFINISHED)
        with self._begin() as connection:
            changed = connection.execute(update_rows(_jobs).where(still_open).values(**values)).rowcount
        if not changed:
            self._row(job_id, _jobs.c.job_id)

    def _prune(self) -> None:
        """Delete some expired jobs. Two statements, as not every database limits a ``DELETE``."""
        expired = select(_jobs.c.job_id).where(_jobs.c.finished_at < _now() - KEEP_FINISHED).limit(PRUNED_PER_ADD)
        with self._begin() as connection:
            job_ids = list(connection.execute(expired).scalars())
        if job_ids:
            with self._begin() as connection:
                connection.execute(delete(_jobs).where(_jobs.c.job_id.in_(job_ids)))

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """
        Open a transaction; it commits at the end of the block.

        On SQLite no transaction may read first and then write: the write would fail at once,
        without waiting, if another process had written in between.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise JobRecordUnavailable(
                f"The record of jobs in {where} could not be read or written "
                f"({type(error).__name__}); see that the database can be reached and is not locked."
            ) from error

    def _create(self) -> None:
        """
        Make the table if it is missing, and bring one that an earlier version made up to date.

        Where another process does the same at this moment, the next try finds it done.
        """
        for is_last_try in (False, False, True):
            try:
                with self._begin() as connection:
                    _metadata.create_all(connection)
                with self._begin() as connection:
                    columns = {column["name"] for column in inspect(connection).get_columns(_jobs.name)}
                if "fingerprint" not in columns:
                    with self._begin() as connection:
                        connection.execute(text(f"ALTER TABLE {_jobs.name} ADD COLUMN fingerprint VARCHAR(64)"))
                return
            except (IntegrityError, JobRecordUnavailable):
                if is_last_try:
                    raise


def not_recorded(job_id: str) -> JobNotFound:
    """Return the error for a job that is not in the record."""
    return JobNotFound(
        f"The job {job_id!r} is not in the record of jobs: it was never added here, or it finished "
        f"more than {KEEP_FINISHED.days} days ago; submit the document again."
    )


def _damaged(job_id: str) -> JobRecordDamaged:
    return JobRecordDamaged(f"The record of the job {job_id} is damaged; submit the document again.")


def _job(row: Any) -> Job:
    try:
        return Job(
            job_id=row["job_id"],
            status=JobStatus(row["status"]),
            progress=row["progress"],
            error=row["error"],
            error_kind=row["error_kind"],
            result=ClassificationResult.from_json(json.loads(row["result"])) if row["result"] else None,
        )
    except (ValueError, TypeError, InvalidReply):
        damaged = _damaged(str(row["job_id"]))
        return Job(str(row["job_id"]), JobStatus.FAILED, Progress.FAILED, str(damaged), damaged.kind)


def _status(recorded: str) -> JobStatus:
    try:
        return JobStatus(recorded)
    except ValueError:
        return JobStatus.FAILED  # As the damaged job is shown.


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
