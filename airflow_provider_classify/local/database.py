"""Connect to the database of the record of jobs, with SQLAlchemy 1.4 or 2.x."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from airflow_provider_classify.exceptions import ConnectionNotUsable, ExtraNotInstalled

#: Seconds that a statement waits while another process writes to the SQLite file.
SQLITE_WAIT = 30


def connect(url: str) -> Engine:
    """
    Return the engine for a SQLAlchemy URL. No connection is opened yet. The folder of a SQLite file is made if missing.

    :raises ConnectionNotUsable: SQLAlchemy does not know such a URL, or the folder cannot be made.
    :raises ExtraNotInstalled: the driver that the URL names is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
        if parsed.database:
            _make_folder(Path(parsed.database).parent)
        # SQLAlchemy 2 pools like this by default; 1.4 would open the file anew for each statement.
        engine = create_engine(
            parsed, poolclass=QueuePool, connect_args={"timeout": SQLITE_WAIT, "check_same_thread": False}
        )
    except ArgumentError:
        # Not chained: SQLAlchemy's message repeats the URL, which may hold a password.
        raise ConnectionNotUsable(
            "The URL of the record of jobs is not a SQLAlchemy URL, or names an unknown database; "
            "write it like sqlite:////path/jobs.db or postgresql+psycopg2://user@host/name."
        ) from None
    except ModuleNotFoundError as error:
        raise ExtraNotInstalled(
            f"The record of jobs needs the database driver {error.name!r}, which is not installed; install it."
        ) from error
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConnectionNotUsable(
            f"The folder {folder} of the record of jobs cannot be made ({error.strerror}); give another."
        ) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Let readers go on while one process writes, and let a commit return when it is on the disk."""
    # A damaged text must not make a whole query fail.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    deadline = time.monotonic() + SQLITE_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait here by itself: while several processes open a new file, one that is
            # late to switch it to WAL gets "database is locked" at once.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous=FULL")
