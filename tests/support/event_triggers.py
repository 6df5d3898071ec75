"""Run event triggers as Airflow's triggerer does, with Airflow's sharing of scans, and a state store in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class StateStore:
    """The state of an asset. It outlives the triggerers of a test. ``fails`` makes each request fail."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fails = False
        self.reads = 0
        self.writes = 0

    async def aget(self, key: str) -> Any:
        self.reads += 1
        await self._answer()
        return json.loads(self.values.get(key, "null"))

    async def aset(self, key: str, value: Any) -> None:
        self.writes += 1
        await self._answer()
        self.values[key] = json.dumps(value)

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("the database is away")

    def accessors(self) -> Any:
        """Return what the triggerer gives to a trigger."""
        return SimpleNamespace(_by_name={"asset": self}, _by_uri={})


class Triggerer:
    """
    A context manager that runs event triggers in this event loop.

    While ``stores_events`` is true, Airflow stores the events. A killed Airflow does not store them any more.
    """

    def __init__(self) -> None:
        self.stores_events = True
        self.events: dict[int, list[dict[str, Any]]] = {}
        from airflow.triggers.shared_stream import SharedStreamManager

        self._manager = SharedStreamManager()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Triggerer:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._manager.stop_all()

    def start(self, trigger: Any, store: StateStore | None = None) -> list[dict[str, Any]]:
        """Start a trigger. :returns: the list of the payloads of its events, which grows with each event."""
        number = len(self._tasks)
        trigger.asset_state_store = store.accessors() if store else None
        self.events[number] = []
        self._tasks.append(asyncio.create_task(self._run(number, trigger)))
        return self.events[number]

    async def _run(self, number: int, trigger: Any) -> None:
        key = trigger.shared_stream_key()
        stream = self._manager.subscribe(trigger_id=number, trigger=trigger, key=key)
        try:
            async for event in trigger.filter_shared_stream(stream):
                sequence = self._manager.bind_pending_event(trigger_id=number, key=key)
                if self.stores_events:
                    self.events[number].append(json.loads(json.dumps(event.payload)))
                    asyncio.get_running_loop().call_soon(self._manager.confirm_persisted, [sequence])
        finally:
            await self._manager.unsubscribe(number, key)

    def failure(self) -> BaseException | None:
        """Return the error of a trigger that ended."""
        return next((task.exception() for task in self._tasks if task.done()), None)


def names(payloads: list[dict[str, Any]]) -> list[str]:
    """Return the file names of all documents in these events."""
    return [document["document"].rpartition("/")[2] for payload in payloads for document in payload["documents"]]


async def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Wait in the event loop."""
    async with asyncio.timeout(seconds):
        while not happened():
            await asyncio.sleep(0.01)
