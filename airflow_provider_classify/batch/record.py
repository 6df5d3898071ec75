"""
What a batch has done so far, on any storage.

Object storage has no append, so entries are gathered for a moment and written as a part file that
is never changed again. What a task that was killed had not written yet is at most a second's work;
the submits among it are found again by their idempotency keys, where the server honours them.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_classify.batch.json_lines import read_lines, write_lines
from airflow_provider_classify.batch.plan import Item, small
from airflow_provider_classify.exceptions import BatchRecordLost, ClassifyError

_PLAN = "plan.json"

#: Seconds that entries are gathered for a part.
_PART_SECONDS = 1.0


@dataclass
class Progress:
    """
    Intent → job id of what is under way; the intents that are classified; intent → how often it failed.

    A document that failed in an earlier try is asked again by the next.
    """

    submitted: dict[str, str] = field(default_factory=dict)
    classified: set[str] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)

    def under_way(self, items: Iterable[Item]) -> dict[Item, str]:
        """Of these documents, those that wait for a job, and which."""
        return {item: self.submitted[item.intent] for item in items if item.intent in self.submitted}


def outstanding(items: Iterable[Item], progress: Progress) -> list[Item]:
    """The documents that are not classified yet; the failed ones are asked again."""
    return [item for item in items if item.intent not in progress.classified]


class Ledger:
    """
    The record of one batch, a folder of part files. Thread-safe.

    An entry is a JSON object with ``intent``; with a ``job_id`` alone it says "submitted", with a result or an
    ``error`` it says "ended" and is the document's line of the output.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._path = ObjectStoragePath(folder)
        self._lock = threading.Lock()
        self._gathered: list[dict[str, Any]] = []
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to write; on a thread, since a storage may be slow and an event loop must not wait for it."""
        self._closing.clear()
        self._writer = threading.Thread(target=self._write_now_and_then, name="classify-ledger")
        self._writer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write what is left."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
        self._write()

    def plan(self, items: Sequence[Item]) -> None:
        """Note which documents this try is about: when the task resumes, a folder may hold others."""
        self._path.mkdir(parents=True, exist_ok=True)
        plan = [[item.document, item.intent] for item in items]
        (self._path / _PLAN).write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")

    def planned(self) -> list[Item]:
        """
        Read the plan of this try.

        :raises BatchRecordLost: it is not there, as on another machine if the record is in a local folder.
        """
        try:
            plan = json.loads((self._path / _PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise BatchRecordLost(
                f"The record of the batch in {self.folder} is not there; "
                "give the task an output on a storage that all workers and triggerers reach."
            ) from error
        return [Item(document, intent) for document, intent in plan]

    def packed(self, items: Sequence[Item]) -> dict[str, Any]:
        """Give what another worker needs to go on where it cannot reach this record; without the results' pages."""
        return {
            "plan": [[item.document, item.intent] for item in items],
            "entries": [_packed(entry) for entry in self._entries()],
        }

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Take :meth:`packed` over, unless it is of this very record. What another try has left here is older."""
        items = [Item(document, intent) for document, intent in packed["plan"]]
        if self.packed(items) != packed:
            self.remove()
            self.plan(items)
            self._gathered += packed["entries"]
            self._write()

    def progress(self) -> Progress:
        """Read where the batch stands."""
        progress = Progress()
        for entry in self._entries():
            intent = entry["intent"]
            progress.submitted.pop(intent, None)
            if "error" in entry:
                progress.failed[intent] += 1
            elif _is_end(entry):
                progress.classified.add(intent)
            elif entry["job_id"] is not None:
                progress.submitted[intent] = entry["job_id"]
        return progress

    def job_ids(self) -> list[str]:
        """Give the jobs under way, also those of the last second."""
        self._write()
        return list(self.progress().submitted.values())

    def lines(self, items: Iterable[Item]) -> Iterator[dict[str, Any]]:
        """Read the documents' lines as they are now: each document once, with its last end."""
        wanted = {item.intent for item in items}
        last = {entry["intent"]: number for number, entry in enumerate(self._entries()) if _is_end(entry)}
        for number, entry in enumerate(self._entries()):
            if entry["intent"] in wanted and last.get(entry["intent"]) == number:
                yield entry

    def submitted(self, item: Item, job_id: str) -> None:
        """Note that a document has been handed over."""
        self._add(item, {"job_id": job_id})

    def lost(self, item: Item) -> None:
        """Note that the server no longer knows the document's job, so that it is submitted anew."""
        self._add(item, {"job_id": None})

    def ended(self, item: Item, line: Mapping[str, Any]) -> None:
        """Note a document's result."""
        self._add(item, line)

    def failed(self, item: Item, error: ClassifyError, job_id: str | None = None) -> None:
        """Note why a document was not classified."""
        self._add(item, {"job_id": job_id, "error": str(error), "error_kind": error.kind})

    def remove(self) -> None:
        """Delete the record, when the output holds everything."""
        if self._path.exists():
            for file in self._path.iterdir():
                file.unlink()
            self._path.rmdir()

    def _add(self, item: Item, line: Mapping[str, Any]) -> None:
        with self._lock:
            self._gathered.append({"document": item.document, "intent": item.intent, **line})

    def _write_now_and_then(self) -> None:
        while not self._closing.wait(_PART_SECONDS):
            self._write()

    def _write(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, []
        if gathered:
            # Zero-padded nanoseconds sort by time; the random part keeps two writers apart.
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.jsonl"
            self._path.mkdir(parents=True, exist_ok=True)
            write_lines(self._path / name, gathered)

    def _entries(self) -> Iterator[dict[str, Any]]:
        for part in self._parts():
            yield from read_lines(part)

    def _parts(self) -> list[Any]:
        if not self._path.exists():
            return []
        return sorted((part for part in self._path.iterdir() if part.name.endswith(".jsonl")), key=lambda p: p.name)


def _packed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**small(entry), **{name: entry[name] for name in ("intent", "error_kind") if name in entry}}


def _is_end(entry: dict[str, Any]) -> bool:
    return "error" in entry or "classification" in entry
