"""The names of Airflow 3.3 that event triggers need: for a shared scan, and for the state of assets."""

from __future__ import annotations

import asyncio
from typing import Any

import airflow
from airflow.providers.common.compat.triggers import BaseEventTrigger

from airflow_provider_classify.exceptions import AirflowTooOld

try:
    from airflow.triggers.shared_stream import SharedStreamProducer as SharedStreamProducer
except ImportError:  # before Airflow 3.3, which require_event_triggers() refuses
    SharedStreamProducer = object  # type: ignore[assignment,misc]


def require_event_triggers(name: str) -> None:
    """
    Check that Airflow shares the scans of event triggers and stores the state of assets.

    :param name: the trigger, for the error.
    :raises AirflowTooOld: this Airflow is older than 3.3.
    """
    if not hasattr(BaseEventTrigger, "create_shared_stream_producer"):
        raise AirflowTooOld(
            f"{name} needs Airflow 3.3 or newer, and this is {airflow.__version__}; "
            "upgrade Airflow, or list the folder in a scheduled DAG."
        )


def state_stores(accessors: Any | None) -> list[Any]:
    """
    Return the state stores of the assets that an event trigger serves.

    :param accessors: the ``asset_state_store`` of the trigger; ``None`` outside a triggerer.
    """
    if accessors is None:
        return []
    return [*accessors._by_name.values(), *accessors._by_uri.values()]


async def read_state(store: Any, key: str) -> Any:
    """Return a value from the state store of an asset; ``None`` if it has no such key."""
    if hasattr(store, "aget"):
        return await store.aget(key)
    return await asyncio.to_thread(store.get, key)  # Airflow 3.3.0 and 3.3.1


async def write_state(store: Any, key: str, value: Any) -> None:
    """Write a value to the state store of an asset."""
    if hasattr(store, "aset"):
        await store.aset(key, value)
    else:
        await asyncio.to_thread(store.set, key, value)  # Airflow 3.3.0 and 3.3.1
