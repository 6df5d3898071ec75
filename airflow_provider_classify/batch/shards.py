"""
Divide the documents of a batch into shards.

A shard has the documents whose hash is in a range. So each document is in exactly one shard, even if the folder changes
between the tasks that list it. Two short strings, the limits of the range, describe a shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_classify.exceptions import InvalidShard


@dataclass(frozen=True, slots=True)
class Shard:
    """The documents whose hash is at least ``start`` and less than ``end``. An empty ``end`` means no upper limit."""

    start: str = ""
    end: str = ""

    @classmethod
    def from_json(cls, payload: object) -> Shard:
        """Parse the result of :meth:`to_json`. :raises InvalidShard: it is not a shard."""
        if isinstance(payload, dict) and payload.keys() == {"start", "end"}:
            start, end = payload["start"], payload["end"]
            if isinstance(start, str) and isinstance(end, str):
                return cls(start, end)
        raise InvalidShard(f"The shard {payload!r} is not part of a plan; use classify_batch() to divide a batch.")

    def to_json(self) -> dict[str, Any]:
        """Return the shard as a JSON object."""
        return asdict(self)

    def has(self, reference: str) -> bool:
        """Return whether a document is in the shard."""
        return self.start <= (key := _hash(reference)) and (not self.end or key < self.end)


def divide(references: Sequence[str], shards: int) -> list[Shard]:
    """
    Divide documents into shards whose numbers of documents differ by one at most.

    :param shards: the number of shards. There are fewer if there are fewer documents, and at least one.
    """
    hashes = sorted(map(_hash, references))
    count = max(1, min(shards, len(hashes)))
    starts = ["", *(hashes[len(hashes) * number // count] for number in range(1, count))]
    return [Shard(start, end) for start, end in zip(starts, [*starts[1:], ""], strict=True)]


def _hash(reference: str) -> str:
    return hashlib.sha256(reference.encode(errors="surrogatepass")).hexdigest()[:24]
