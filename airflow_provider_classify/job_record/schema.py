"""Bring the database of the record of jobs up to date, with Alembic's migrations in :mod:`.migrations`."""

from __future__ import annotations

import logging
import threading
from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from airflow_provider_classify.exceptions import ConnectionNotUsable, JobRecordUnavailable
from airflow_provider_classify.job_record.database import transaction

#: The table with the version of the schema. Airflow's own database has an ``alembic_version`` already.
VERSION_TABLE = "classify_alembic_version"
#: PostgreSQL's lock that a process holds while it migrates. The number is arbitrary.
_MIGRATION_LOCK = 0x0C1A551F
_MIGRATIONS = Path(__file__).with_name("migrations")
#: Only one thread may migrate, because Alembic keeps the running migration in a module variable.
_one_thread = threading.Lock()


@cache
def newest_version() -> str:
    """Return the version of the schema that this package needs, which is the number of its last migration."""
    return max(file.name.split("_")[1] for file in (_MIGRATIONS / "versions").glob("rev_*.py"))


def upgrade_database(engine: Engine) -> None:
    """
    Create the tables, or add what an earlier version of this package did not have.

    Several processes may call this at the same time; on SQLite and PostgreSQL they take turns.

    :raises ConnectionNotUsable: a later version of this package has changed the database.
    :raises JobRecordUnavailable: the database cannot be reached.
    """
    if is_up_to_date(engine):
        return
    # On other databases, a step fails if another process does the same. The next attempt finds that it has been done.
    for is_last_attempt in (False, False, True):
        try:
            with _one_thread, transaction(engine) as connection:
                _wait_for_turn(connection)
                if _version(connection) != newest_version():
                    _migrate(connection)
        except (IntegrityError, JobRecordUnavailable):
            if is_last_attempt:
                raise
        else:
            return


def is_up_to_date(engine: Engine) -> bool:
    """
    Return whether no migration is needed. This is cheap, and does not import Alembic.

    :raises ConnectionNotUsable: a later version of this package has changed the database.
    """
    with transaction(engine) as connection:
        version = _version(connection)
    if version is not None and version > newest_version():
        where = engine.url.render_as_string(hide_password=True)
        raise ConnectionNotUsable(
            f"The record of jobs in {where} was changed by a later version of airflow-provider-classify; "
            "install that version here too."
        )
    return version == newest_version()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if version is None else str(version)


def _wait_for_turn(connection: Connection) -> None:
    """Wait until no other process migrates. The end of the transaction lets the next process continue."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
    elif connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    # Alembic logs each migration. In the log of a task, this looks as if Airflow's own database were changed.
    steps = logging.getLogger("alembic.runtime.migration")
    level = steps.level
    steps.setLevel(logging.WARNING)
    try:
        command.upgrade(config, "head")
    finally:
        steps.setLevel(level)
