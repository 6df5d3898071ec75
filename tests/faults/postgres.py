"""Run a temporary PostgreSQL server on loopback."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy.exc import OperationalError
from standalone import free_port

from tests.faults.processes import Process, unprivileged_user
from tests.support.waiting import wait_until

#: Debian keeps the server's programs in this folder, outside PATH.
_DEBIAN = Path("/usr/lib/postgresql")
#: Settings for speed. They give up safety against a crash of the machine, which would end the tests too.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs, of the newest installed version; None if there is none."""
    debian = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(debian[-1]) if debian else shutil.which(name)


@contextmanager
def running_postgres(log: Path) -> Iterator[sqlalchemy.URL]:
    """Run a server; yield the URL of its database, whose owner may create others."""
    user = unprivileged_user("postgres", "nobody")
    # Other users may not enter pytest's folders, so the data is in its own temporary folder.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        initdb = [program("initdb"), "--pgdata", data, "--username=airflow", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        port = free_port()
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *_FAST]
        options = [part for setting in settings for part in ("-c", setting)]
        server = Process([str(program("postgres")), "-D", str(data), *options], log, user=user, cwd=folder)
        url = sqlalchemy.URL.create(
            "postgresql+psycopg", username="airflow", host="127.0.0.1", port=port, database="postgres"
        )
        try:
            wait_until(lambda: _answers(url), 60, pause=0.1)
            yield url
        finally:
            server.stop(signal.SIGINT)  # SIGTERM waits until all clients have left


def create_database(url: sqlalchemy.URL, name: str) -> sqlalchemy.URL:
    """Create another database on the same server and return its URL."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return url.set(database=name)


def _answers(url: sqlalchemy.URL) -> bool:
    engine = sqlalchemy.create_engine(url)
    try:
        engine.connect().close()
    except OperationalError:
        return False
    else:
        return True
    finally:
        engine.dispose()
