"""Change a record of jobs without its store, as damage or an older version does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def change_record(path: Path, statement: str, *values: object) -> None:
    """Execute a statement in which ``{table}`` stands for the one table of the SQLite file."""
    with closing(sqlite3.connect(path)) as database:
        [table] = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        database.execute(statement.format(table=table), values)
        database.commit()
