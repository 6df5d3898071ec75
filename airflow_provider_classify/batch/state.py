"""The state of a batch during a try: its jobs, its results, and the number of failures of each document."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.record_entry import Entry, State, encode


class BatchState:
    """
    The state of a batch after all its entries. Thread-safe.

    Results are kept in a temporary file, so that memory does not grow with their size.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}
        self._ends: dict[str, tuple[State, int, int]] = {}  # fingerprint: state, offset and length in the file
        self._escalated: dict[str, tuple[State, int, int]] = {}  # the same for the outcome of the first connection
        self._failures: Counter[str] = Counter()
        self._failed: dict[str, tuple[State, int, int]] = {}  # the same for the last failure
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the state
        self._lock = threading.Lock()

    def add(self, entry: Entry, encoded: bytes | None = None) -> None:
        """
        Update the state with an entry. Add entries in the order in which they were recorded.

        :param encoded: the result of :func:`encode` for the entry, if the caller has it.
        """
        fingerprint = entry.fingerprint
        with self._lock:
            self._jobs.pop(fingerprint, None)
            if entry.state is State.SUBMITTED and entry.job_id is not None:
                self._jobs[fingerprint] = entry.job_id
            if entry.is_end:
                self._escalated.pop(fingerprint, None)
                self._ends[fingerprint] = self._store(entry, encoded)
            if entry.state is State.ESCALATED:
                self._ends.pop(fingerprint, None)
                self._escalated[fingerprint] = self._store(entry, encoded)
            if entry.state is State.FAILED:
                self._failures[fingerprint] += 1
                self._failed[fingerprint] = self._ends[fingerprint]

    def job_ids(self, *, escalated: bool = False) -> list[str]:
        """
        Return the ids of the jobs that have not ended.

        It takes no lock, because a signal handler calls it and the interrupted code may hold the lock.

        :param escalated: whether to return the jobs at the second connection of a cascade, instead of the first.
        """
        return [job for fingerprint, job in list(self._jobs.items()) if (fingerprint in self._escalated) is escalated]

    def pending(self, items: Iterable[Item]) -> dict[Item, str]:
        """Return the documents whose job has not ended, with the ids of their jobs."""
        return {item: self._jobs[item.fingerprint] for item in items if item.fingerprint in self._jobs}

    def outstanding(self, items: Iterable[Item]) -> list[Item]:
        """Return the documents that have neither a result nor a running job. They include the failed documents."""
        return [item for item in items if item.fingerprint not in self._jobs and not self.is_classified(item)]

    def is_classified(self, item: Item) -> bool:
        """Return whether the document has a result."""
        return item.fingerprint in self._ends and self._ends[item.fingerprint][0] is State.CLASSIFIED

    def is_escalated(self, item: Item) -> bool:
        """Return whether the document is escalated and waits for the second connection of a cascade."""
        return item.fingerprint in self._escalated

    def first_outcome(self, item: Item) -> Entry | None:
        """Return the entry of an escalated document; ``None`` for any other document."""
        stored = self._escalated.get(item.fingerprint)
        return self._read(stored) if stored else None

    def result(self, item: Item) -> Entry | None:
        """Return the entry of a document that has a result; ``None`` for any other document."""
        return self._read(self._ends[item.fingerprint]) if self.is_classified(item) else None

    def failures(self, item: Item) -> int:
        """Return how many times the document failed in all tries of the task."""
        return self._failures[item.fingerprint]

    def without_end(self, items: Iterable[Item]) -> list[Item]:
        """Return the documents that have neither a result nor an error."""
        return [item for item in items if item.fingerprint not in self._ends]

    def rows(self, items: Iterable[Item]) -> Iterator[dict[str, object]]:
        """Yield a row for each document that has a result or an error, in the order of ``items``."""
        for item in items:
            if item.fingerprint in self._ends:
                yield self._read(self._ends[item.fingerprint]).row(item.document)

    def entries(self, items: Sequence[Item]) -> Iterator[Entry]:
        """Yield entries that give another instance the same state of these documents."""
        jobs = self.pending(items)
        for item in items:
            # The number of failures decides the idempotency key of the next submit.
            if item.fingerprint in self._failed:
                yield from [self._read(self._failed[item.fingerprint])] * self.failures(item)
            if result := self.result(item):
                yield result
            if first := self.first_outcome(item):
                yield first
            if item in jobs:
                yield Entry(item.fingerprint, State.SUBMITTED, jobs[item])

    def _store(self, entry: Entry, encoded: bytes | None) -> tuple[State, int, int]:
        """Write an entry to the file and return its place there. The caller holds the lock."""
        data = encode(entry) if encoded is None else encoded
        offset = self._file.seek(0, 2)
        self._file.write(data)
        return entry.state, offset, len(data)

    def _read(self, place: tuple[State, int, int]) -> Entry:
        _, offset, length = place
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(length)
        return Entry.from_json(json.loads(data))
