"""Fixtures of the storage suite."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import sqlalchemy

# gcsfs asks Google by gRPC for the kind of each bucket, which no emulator answers.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

from tests.faults.postgres import create_database, program, running_postgres
from tests.storage.other_process import OtherProcess
from tests.storage.storages import OBJECT_STORES, STORAGES, Storage, require


@pytest.fixture(scope="session")
def start_storage() -> Iterator[Callable[[str], Storage]]:
    """Start the server of a kind of storage, unless it runs. All tests share it."""
    running: dict[str, Storage] = {}
    with ExitStack() as stack:

        def start(kind: str) -> Storage:
            if kind not in running:
                running[kind] = stack.enter_context(STORAGES[kind]())
            return running[kind]

        yield start
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_STORAGE_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.URL]:
    """A running PostgreSQL server."""
    require("psycopg")
    if program("initdb") is None or program("postgres") is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running_postgres(tmp_path_factory.mktemp("postgres") / "log") as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: sqlalchemy.URL) -> str:
    """The URL of a new database."""
    return create_database(postgres_server, uuid.uuid4().hex).render_as_string(hide_password=False)


@pytest.fixture(params=list(STORAGES))
def storage(request: pytest.FixtureRequest, start_storage: Callable[[str], Storage]) -> Storage:
    """Each kind of storage in turn."""
    return start_storage(request.param)


@pytest.fixture(params=OBJECT_STORES)
def object_store(request: pytest.FixtureRequest, start_storage: Callable[[str], Storage]) -> Storage:
    """Each kind that has buckets."""
    return start_storage(request.param)


@pytest.fixture(scope="session")
def other_process() -> Iterator[OtherProcess]:
    """A process beside this one that reads and writes the storages."""
    with OtherProcess() as process:
        yield process


@pytest.fixture
def no_client_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the clients of Azure and Google retry at once.

    They pause for up to a minute, which a connection of Airflow cannot change. The one of S3 has no such pause.
    """

    async def go_on(*_: object) -> None:
        await asyncio.sleep(0)

    if importlib.util.find_spec("adlfs"):
        monkeypatch.setattr("azure.storage.blob.aio.ExponentialRetry.sleep", go_on)
    if importlib.util.find_spec("gcsfs"):
        monkeypatch.setattr("gcsfs.retry.asyncio", SimpleNamespace(sleep=go_on))
