"""Fixtures of the storage suite."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.storage.storages import STORAGES, Storage


def _running(request: pytest.FixtureRequest) -> Iterator[Storage]:
    with STORAGES[request.param]() as storage:
        yield storage
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_STORAGE_")]:
        del os.environ[name]


#: Each kind of storage in turn, started once.
storage = pytest.fixture(scope="session", params=list(STORAGES))(_running)
#: The kinds with buckets.
object_store = pytest.fixture(scope="session", params=["s3", "azure"])(_running)
