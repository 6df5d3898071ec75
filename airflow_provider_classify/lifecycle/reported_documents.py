"""The record of the documents that an event trigger has reported, in the state store of its asset."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_classify.exceptions import TaskStateUnavailable
from airflow_provider_classify.lifecycle import compat

#: The record is split into this many values, because a store is made for values of up to 64 KiB. Each value holds the
#: entries of about 1,500 documents if the folder has 100,000.
_SHARDS = 64
#: Days after which a document that has left the folder is forgotten. It is not forgotten at once, since a folder can be
#: empty for a time, for example while its disk is not mounted.
_FORGET_AFTER = 7
#: The most seconds for reading the whole record, and for writing what has changed.
_LOAD_TIMEOUT = 60.0
_SAVE_TIMEOUT = 10.0
_DAY = 86400


class ReportedDocuments:
    """
    The names and versions that were reported from one place to one or more assets.

    An entry is 9 bytes of the name's hash and 6 of the version's, and the day on which the document left the folder.

    :param place: identifies the folder and pattern within the state of the asset.
    :param stores: the state stores of the assets, which all get the same record. Without a store, the record lasts
        as long as this object.
    """

    def __init__(self, place: str, stores: Sequence[Any]) -> None:
        self._stores = stores
        self._keys = [f"new_documents:{_hash(place, 12)}:{number:02}" for number in range(_SHARDS)]
        self._shards: list[dict[str, str]] = [{} for _ in range(_SHARDS)]
        self._unsaved: set[int] = set()

    @property
    def is_saved(self) -> bool:
        """Whether the stores have all entries."""
        return not self._unsaved

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    async def load(self) -> None:
        """Add what the stores have. :raises TaskStateUnavailable: a store cannot be read."""
        for store in self._stores:
            requests = [compat.read_state(store, key) for key in self._keys]
            for number, value in enumerate(await _all(requests, _LOAD_TIMEOUT)):
                if isinstance(value, dict):
                    self._shards[number].update({str(name): str(entry) for name, entry in value.items()})

    async def save(self) -> None:
        """Write the entries that have changed. :raises TaskStateUnavailable: a store cannot be written."""
        unsaved = sorted(self._unsaved)
        for store in self._stores:
            requests = [compat.write_state(store, self._keys[number], self._shards[number]) for number in unsaved]
            await _all(requests, _SAVE_TIMEOUT)
        self._unsaved.difference_update(unsaved)

    def has(self, name: str, version: str) -> bool:
        """Return whether this version of a document was reported."""
        key = _hash(name, 9)
        entry = self._shards[_shard_of(key)].get(key)
        return entry is not None and entry.partition(":")[0] == _hash(version, 6)

    def add(self, versions: Mapping[str, str]) -> None:
        """Note that these documents were reported, by name and version."""
        for name, version in versions.items():
            self._set(_hash(name, 9), _hash(version, 6))

    def forget_departed(self, present: Iterable[str], now: float | None = None) -> None:
        """
        Forget the documents that left the folder more than seven days ago.

        :param present: the names of all files in the folder.
        :param now: the time in epoch seconds; the default is the present.
        """
        today = int((time.time() if now is None else now) // _DAY)
        keys = {_hash(name, 9) for name in present}
        for number, shard in enumerate(self._shards):
            for key, entry in list(shard.items()):
                version, _, departed = entry.partition(":")
                if key in keys:
                    if departed:
                        self._set(key, version)
                elif not departed:
                    self._set(key, f"{version}:{today}")
                elif today - int(departed) > _FORGET_AFTER:
                    del shard[key]
                    self._unsaved.add(number)

    def _set(self, key: str, entry: str) -> None:
        number = _shard_of(key)
        self._shards[number][key] = entry
        self._unsaved.add(number)


async def _all(requests: Iterable[Any], seconds: float) -> list[Any]:
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.gather(*requests)
    except Exception as error:  # the store's own kinds of errors, those of a database, and the timeout
        raise TaskStateUnavailable(
            f"Airflow's state store of the watched asset does not work ({type(error).__name__}: {error}); "
            "check the API server and the database."
        ) from error


def _hash(text: str, size: int) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=size).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _shard_of(key: str) -> int:
    return base64.urlsafe_b64decode(key)[0] % _SHARDS
