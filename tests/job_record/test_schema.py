"""The migrations of the record of jobs."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.job_record.database import connect, transaction
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.schema import VERSION_TABLE, is_up_to_date, newest_version, upgrade_database
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.service.dashboard.pictures import PICTURES
from airflow_provider_classify.service.quotas import QUOTAS
from airflow_provider_classify.service.webhook_store import WEBHOOKS

CATEGORIES = (Category("invoice"),)
#: The table as a version without migrations created it, before and after it had fingerprints.
FIRST = """
CREATE TABLE classify_jobs (
    job_id VARCHAR(36) NOT NULL, status VARCHAR(16) NOT NULL, progress VARCHAR(64) NOT NULL, error TEXT,
    error_kind VARCHAR(64), result TEXT, document TEXT NOT NULL, categories TEXT NOT NULL, file_url TEXT,
    idempotency_key VARCHAR(255), {fingerprint} created_at DATETIME NOT NULL, started_at DATETIME,
    finished_at DATETIME, PRIMARY KEY (job_id), UNIQUE (idempotency_key)
);
CREATE INDEX ix_classify_jobs_finished_at ON classify_jobs (finished_at);
INSERT INTO classify_jobs (job_id, status, progress, document, categories, idempotency_key, created_at)
VALUES ('0b455aad', 'queued', 'Starting...', 'a.pdf', '[{{"name": "invoice"}}]', 'k', '2026-01-02 03:04:05');
"""
OLD = {"first": FIRST.format(fingerprint=""), "with fingerprints": FIRST.format(fingerprint="fingerprint VARCHAR(64),")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.mark.parametrize("statements", OLD.values(), ids=OLD.keys())
def test_a_record_of_an_earlier_version_is_brought_up_to_date(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statements)
    store = JobStore(f"sqlite:///{path}")
    assert store.get("0b455aad").status is JobStatus.QUEUED
    assert store.add("a.pdf", CATEGORIES, idempotency_key="k", fingerprint="f").job_id == "0b455aad"
    store.queue.adopt("0b455aad", 7)
    claim = store.queue.claim()
    assert claim is not None
    assert (claim.job_id, claim.crashes, claim.losses) == ("0b455aad", 0, 0)


def test_the_migrations_and_the_tables_are_the_same(path: Path) -> None:
    engine = connect(f"sqlite:///{path}")
    upgrade_database(engine)
    with transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        tables = [table.metadata for table in (PICTURES, QUOTAS, WEBHOOKS)]  # the jobs are beside the pictures
        assert compare_metadata(context, tables) == []
        assert context.get_current_revision() == newest_version()


def test_a_database_that_is_up_to_date_is_not_changed(path: Path) -> None:
    engine = connect(f"sqlite:///{path}")
    assert not is_up_to_date(engine)
    upgrade_database(engine)
    assert is_up_to_date(engine)
    before = path.read_bytes()
    upgrade_database(engine)
    assert path.read_bytes() == before


def test_threads_open_a_new_record_at_the_same_time(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: JobStore(f"sqlite:///{path}"), range(8)))
    job_id = stores[0].add("a.pdf", CATEGORIES).job_id
    assert stores[-1].get(job_id).status is JobStatus.QUEUED


def test_a_record_of_a_later_version_is_refused(path: Path) -> None:
    JobStore(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        database.commit()
    with pytest.raises(ConnectionNotUsable, match=r"jobs\.db was changed by a later version"):
        JobStore(f"sqlite:///{path}")
