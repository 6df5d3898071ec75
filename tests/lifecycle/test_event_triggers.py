from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_classify.exceptions import AirflowTooOld
from airflow_provider_classify.lifecycle import event_triggers

HAS_EVENT_TRIGGERS = hasattr(event_triggers.BaseEventTrigger, "create_shared_stream_producer")


@pytest.mark.skipif(HAS_EVENT_TRIGGERS, reason="Airflow 3.3 has event triggers that share their scans")
def test_an_older_airflow_is_named_when_an_event_trigger_is_used() -> None:
    with pytest.raises(AirflowTooOld, match=r"^Watching needs Airflow 3\.3 or newer, and this is"):
        event_triggers.require_event_triggers("Watching")


@pytest.mark.skipif(not HAS_EVENT_TRIGGERS, reason="the state of assets came with Airflow 3.3")
def test_the_state_of_assets_is_read_and_written_as_airflow_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Asset
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import AssetStateStoreResult
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    sent = []

    class Comms:
        async def asend(self, message: Any) -> Any:
            sent.append(message)
            return AssetStateStoreResult(value={"a": 1})

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
    event_triggers.require_event_triggers("Watching")
    stores = event_triggers.state_stores(AssetStateStoreAccessors([Asset("first"), Asset.ref(uri="s3://second")]))
    assert len(stores) == 2
    assert asyncio.run(event_triggers.read_state(stores[0], "key")) == {"a": 1}
    asyncio.run(event_triggers.write_state(stores[1], "key", {"b": 2}))
    assert [type(message).__name__ for message in sent] == ["GetAssetStateStoreByName", "SetAssetStateStoreByUri"]
    assert (sent[0].name, sent[0].key, sent[1].uri, sent[1].value) == ("first", "key", "s3://second", {"b": 2})


def test_a_store_without_async_methods_is_used_in_a_thread() -> None:
    """Airflow 3.3.0 and 3.3.1 have only blocking methods."""
    values = {"key": 1}
    store = SimpleNamespace(get=values.get, set=values.__setitem__)
    assert asyncio.run(event_triggers.read_state(store, "key")) == 1
    asyncio.run(event_triggers.write_state(store, "other", 2))
    assert values == {"key": 1, "other": 2}


def test_outside_a_triggerer_there_is_no_store() -> None:
    assert event_triggers.state_stores(None) == []
