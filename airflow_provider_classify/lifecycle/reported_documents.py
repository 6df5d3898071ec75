"""The record of the documents that an event trigger has reported, in the state store of its asset."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_classify.exceptions import TaskStateUnavailable
from airflow_provider_classify.lifecycle import event_triggers

#: The most documents in one value, on average. A state store is made for values of up to 64 KiB, and each of its
#: requests takes the triggerer some milliseconds. So a small record is one value, and a large one several.
_ENTRIES_PER_VALUE = 1000
#: Days after which the entry of a document that has left the folder is deleted. It is kept for some days, because a
#: folder can be empty for a time, for example while its disk is not mounted.
_FORGET_AFTER = 7
#: The most seconds for reading the record, and for writing the changed entries. A triggerer's first request to Airflow
#: can take a minute on a busy machine, because it imports Airflow's API.
_LOAD_TIMEOUT = 120.0
_SAVE_TIMEOUT = 20.0
_DAY = 86400


class ReportedDocuments:
    """
    The names and versions of the documents that were reported from one folder and pattern to one or more assets.

    An entry has 9 bytes of the name's hash, 6 bytes of the version's hash, and the day on which the document left the
    folder. The hash of the name decides which value has the entry. The first value is the head, and it has the number
    of values. When there are too many entries for this number, all values are written with new keys, and the head is
    written last. So if a write is interrupted, the old record stays valid.

    :param place: identifies the folder and pattern within the state of the asset.
    :param stores: the state stores of the assets, which all get the same record. Without a store, the record is lost
        with this object.
    """

    def __init__(self, place: str, stores: Sequence[Any]) -> None:
        self._stores = stores
        self._key = f"new_documents:{_hash(place, 12)}"
        self._values: list[dict[str, str]] = [{}]
        self._unsaved: set[int] = set()

    @property
    def is_saved(self) -> bool:
        """Whether the stores have all entries."""
        return not self._unsaved

    def __len__(self) -> int:
        return sum(map(len, self._values))

    async def load(self) -> None:
        """Read the entries in the stores. :raises TaskStateUnavailable: a store cannot be read."""
        found: dict[str, str] = {}
        counts = set()
        for store in self._stores:
            for count, entries in await self._read(store):
                counts.add(count)
                found.update(entries)
        self._values = await asyncio.to_thread(_in_values, found)
        self._unsaved = set() if counts <= {len(self._values)} else set(range(len(self._values)))

    async def save(self) -> None:
        """Write the entries that have changed. :raises TaskStateUnavailable: a store cannot be written."""
        if len(self) > len(self._values) * _ENTRIES_PER_VALUE:
            entries = {key: entry for value in self._values for key, entry in value.items()}
            self._values = await asyncio.to_thread(_in_values, entries)
            self._unsaved = set(range(len(self._values)))
        unsaved = sorted(self._unsaved, reverse=True)  # the head last
        for store in self._stores:
            await _all((self._write(store, number) for number in unsaved), _SAVE_TIMEOUT)
        self._unsaved.difference_update(unsaved)

    def has(self, name: str, version: str) -> bool:
        """Return whether this version of a document was reported."""
        key = _hash(name, 9)
        values = self._values  # another thread may replace it
        entry = values[_number_of(key, len(values))].get(key)
        return entry is not None and entry.partition(":")[0] == _hash(version, 6)

    def add(self, versions: Mapping[str, str]) -> None:
        """Record that these documents were reported. ``versions`` has the version of each document by its name."""
        for name, version in versions.items():
            self._set(_hash(name, 9), _hash(version, 6))

    def forget_departed(self, present: Iterable[str], now: float | None = None) -> None:
        """
        Delete the entries of documents that left the folder more than seven days ago.

        :param present: the names of all files in the folder.
        :param now: the time in epoch seconds; the current time by default.
        """
        today = int((time.time() if now is None else now) // _DAY)
        keys = {_hash(name, 9) for name in present}
        for number, value in enumerate(self._values):
            for key, entry in list(value.items()):
                version, _, departed = entry.partition(":")
                if key in keys:
                    if departed:
                        self._set(key, version)
                elif not departed:
                    self._set(key, f"{version}:{today}")
                elif today - int(departed) > _FORGET_AFTER:
                    del value[key]
                    self._unsaved.add(number)

    def _set(self, key: str, entry: str) -> None:
        number = _number_of(key, len(self._values))
        self._values[number][key] = entry
        self._unsaved.add(number)

    async def _read(self, store: Any) -> list[tuple[int, dict[str, str]]]:
        """Return the entries of each value, and the number of values."""
        [head] = await _all((event_triggers.read_state(store, key) for key in [self._key]), _LOAD_TIMEOUT)
        if head is None:
            return []
        try:
            count, entries = int(head["values"]), dict(head["entries"])
        except (TypeError, ValueError, KeyError) as error:
            raise TaskStateUnavailable(
                f"The value {self._key!r} in Airflow's state store of the watched asset is damaged; "
                "delete it there, and all documents in the folder are reported again."
            ) from error
        requests = (event_triggers.read_state(store, self._key_of(number, count)) for number in range(1, count))
        return [(count, entries), *((count, dict(value or {})) for value in await _all(requests, _LOAD_TIMEOUT))]

    async def _write(self, store: Any, number: int) -> None:
        count = len(self._values)
        if number:
            await event_triggers.write_state(store, self._key_of(number, count), self._values[number])
        else:
            await event_triggers.write_state(store, self._key, {"values": count, "entries": self._values[0]})

    def _key_of(self, number: int, count: int) -> str:
        return f"{self._key}:{count}:{number}"


def _in_values(entries: Mapping[str, str]) -> list[dict[str, str]]:
    """Distribute the entries over as many values as they need, a power of two."""
    count = 1
    while len(entries) > count * _ENTRIES_PER_VALUE:
        count *= 2
    values: list[dict[str, str]] = [{} for _ in range(count)]
    for key, entry in entries.items():
        values[_number_of(key, count)][key] = entry
    return values


def _number_of(key: str, count: int) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(key)[:4]) % count


async def _all(requests: Iterable[Awaitable[Any]], seconds: float) -> list[Any]:
    try:
        async with asyncio.timeout(seconds):
            return [await request for request in requests]
    except Exception as error:  # the store's own kinds of errors, those of a database, and the timeout
        raise TaskStateUnavailable(
            f"Airflow's state store of the watched asset does not work ({type(error).__name__}: {error}); "
            "check the API server and the database."
        ) from error


def _hash(text: str, size: int) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=size).digest()
    return base64.urlsafe_b64encode(digest).decode()
