"""Change a record of jobs without its store, as damage or an older version does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from airflow_provider_classify.job_record.job_table import JOBS


def change_record(path: Path, statement: str, *values: object) -> None:
    """Execute a statement in which ``{table}`` stands for the table of jobs."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement.format(table=JOBS.name), values)
        database.commit()
