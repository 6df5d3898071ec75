"""Fixtures of the storage suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.storage.storages import OBJECT_STORES, STORAGES, Storage


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


@pytest.fixture(params=list(STORAGES))
def storage(request: pytest.FixtureRequest, start_storage: Callable[[str], Storage]) -> Storage:
    """Each kind of storage in turn."""
    return start_storage(request.param)


@pytest.fixture(params=OBJECT_STORES)
def object_store(request: pytest.FixtureRequest, start_storage: Callable[[str], Storage]) -> Storage:
    """Each kind that has buckets."""
    return start_storage(request.param)
