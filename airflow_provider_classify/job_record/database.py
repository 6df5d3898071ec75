"""Connect to the database of the record of jobs, with SQLAlchemy 1.4 or 2.x."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from airflow_provider_classify.exceptions import ConnectionNotUsable, ExtraNotInstalled, JobRecordUnavailable

#: Seconds that a statement waits while another process writes to the SQLite file.
SQLITE_WAIT = 30.0
#: The most connections to the SQLite file. A thread that waits for its turn to write holds one. They are opened when
#: they are needed, and stay open: to open one takes as long as several queries.
_SQLITE_CONNECTIONS = 15
#: The most memory of the page cache of each connection, in KB. The system caches the file, too.
_SQLITE_CACHE_KB = 512
#: Marks a connection whose transaction writes.
_WRITES = "classify_writes"
#: Marks a connection whose transaction commits without a wait for the disk.
_UNSYNCED = "classify_unsynced"
#: Makes a commit wait until its data is on the disk.
_SYNC = "PRAGMA synchronous=FULL"
#: The first six characters, in upper case, of the statements that take SQLite's write lock.
_WRITING = ("INSERT", "UPDATE", "DELETE", "BEGIN ")
#: The time limits of libpq, which by default are minutes or unlimited. ``connect_timeout`` is in seconds,
#: ``tcp_user_timeout`` in milliseconds.
_POSTGRESQL_LIMITS = {"connect_timeout": "10", "tcp_user_timeout": "30000"}
#: The extras of this package that have the driver of a database.
_EXTRA_OF_DRIVER = {"psycopg": "postgresql"}


def connect(url: str, *, sqlite_wait: float = SQLITE_WAIT) -> Engine:
    """
    Return the SQLAlchemy engine for a URL, without opening a connection. Create the folder of a SQLite file.

    Its errors do not quote the values of a statement, because the URL of a document may contain a signature.

    :param sqlite_wait: seconds that a statement waits while another process writes to the SQLite file.
    :raises ConnectionNotUsable: the URL is not valid for SQLAlchemy, or the folder cannot be created.
    :raises ExtraNotInstalled: the driver that the URL names is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(_with_limits(parsed), pool_pre_ping=True, hide_parameters=True)
        if parsed.database:
            _make_folder(Path(parsed.database).parent)
        # SQLAlchemy 2 uses this pool by default. SQLAlchemy 1.4 would open the file for each statement.
        engine = create_engine(
            parsed,
            poolclass=QueuePool,
            pool_size=_SQLITE_CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={"timeout": sqlite_wait, "check_same_thread": False},
        )
    except ArgumentError:
        # The cause is not chained: SQLAlchemy's message quotes the URL, which may contain a password.
        raise ConnectionNotUsable(
            "The URL of the record of jobs is not a SQLAlchemy URL, or names an unknown database; "
            "write it like sqlite:////path/jobs.db or postgresql+psycopg://user@host/name."
        ) from None
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF_DRIVER.get(error.name or "")
        package = f"airflow-provider-classify[{extra}]" if extra else "it"
        raise ExtraNotInstalled(
            f"The record of jobs needs the database driver {error.name!r}, which is not installed; install {package}."
        ) from error
    event.listen(engine, "connect", lambda connection, _: _prepare_sqlite(connection, sqlite_wait))
    _write_in_turn(engine, sqlite_wait)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """
    Open a transaction, which commits at the end of the block.

    On SQLite a transaction must not read first and then write. If another process wrote in between, the write would
    fail immediately.

    :raises IntegrityError: a row with the same key exists.
    :raises JobRecordUnavailable: the database cannot be reached, or a statement failed.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise JobRecordUnavailable(
            f"The record of jobs in {where} could not be read or written "
            f"({type(error).__name__}); check that the database can be reached and is not locked."
        ) from error


def commit_without_sync(connection: Connection) -> None:
    """
    Let the transaction of a connection to SQLite commit without a wait for the disk. Call it before the first write.

    A loss of power may undo the commit, until a later commit has waited for the disk. It never damages the file.
    """
    connection.info[_UNSYNCED] = True
    connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


def padded(values: Collection[str]) -> list[str]:
    """
    Return the values for an ``IN``, with the last one repeated until their number is a power of two.

    The drivers of SQLite and PostgreSQL keep a prepared statement for each number of values, of about 15 KB. Each
    connection keeps up to 128 of them. So without this, a service would grow until these caches are full.
    """
    listed = list(values)
    size = 1 << (len(listed) - 1).bit_length() if listed else 0
    return listed + listed[-1:] * (size - len(listed))


def _with_limits(url: URL) -> URL:
    """Add time limits to the URL of a PostgreSQL driver, unless it has them, so that a dead server does not block."""
    if url.get_driver_name() not in ("psycopg", "psycopg2"):
        return url
    return url.update_query_dict({name: limit for name, limit in _POSTGRESQL_LIMITS.items() if name not in url.query})


def _write_in_turn(engine: Engine, wait: float) -> None:
    """
    Let the threads of this process write to the SQLite file one after the other.

    SQLite allows one writer at a time. A second one sleeps for up to 100 ms before it looks again, although a write
    takes a few milliseconds. A thread that waits for the lock of this process continues as soon as the lock is free.
    """
    turn = threading.Lock()

    def begin(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        if not connection.info.get(_WRITES) and statement.lstrip()[:6].upper() in _WRITING:
            # If the turn does not come in time, SQLite itself reports that the file is locked.
            connection.info[_WRITES] = turn.acquire(timeout=wait)

    def end(connection: Any, record: Any) -> None:
        if record.info.pop(_UNSYNCED, False) and connection is not None:  # None if the connection was broken
            connection.execute(_SYNC)
        if record.info.pop(_WRITES, False):
            turn.release()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "checkin", end)  # after the commit, when the connection goes back to its pool


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConnectionNotUsable(
            f"The folder {folder} of the record of jobs cannot be created ({error.strerror}); name another folder."
        ) from error


def _prepare_sqlite(connection: Any, wait: float) -> None:
    """Allow reads during a write, and make a commit return only when its data is on the disk."""
    # Damaged text in one row must not make a whole query fail.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    deadline = time.monotonic() + wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait at this point. While several processes open a new file, the later ones get
            # "database is locked" at once.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute(_SYNC)
    connection.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KB}")
    # Overwrite deleted data, because it may be confidential.
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA foreign_keys=ON")
