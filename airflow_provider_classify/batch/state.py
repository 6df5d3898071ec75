"""The state of a batch in memory: its jobs, its results, and the number of failures of each document."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_classify.batch.entry import Entry, State, encode
from airflow_provider_classify.batch.plan import Item


class BatchState:
    """
    The state that the entries of a batch lead to. Thread-safe.

    Results are kept in a temporary file, so that memory does not grow with their size.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}
        self._ends: dict[str, tuple[State, int, int]] = {}  # fingerprint: state, offset and length in the file
        self._failures: Counter[str] = Counter()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the state
        self._lock = threading.Lock()

    def add(self, entry: Entry, encoded: bytes | None = None) -> None:
        """
        Update the state with an entry, which is later than all earlier ones.

        :param encoded: the result of :func:`encode` for the entry, if the caller has it.
        """
        fingerprint = entry.fingerprint
        with self._lock:
            self._jobs.pop(fingerprint, None)
            if entry.state is State.SUBMITTED and entry.job_id is not None:
                self._jobs[fingerprint] = entry.job_id
            if entry.is_end:
                data = encode(entry) if encoded is None else encoded
                offset = self._file.seek(0, 2)
                self._file.write(data)
                self._ends[fingerprint] = (entry.state, offset, len(data))
            if entry.state is State.FAILED:
                self._failures[fingerprint] += 1

    def job_ids(self) -> list[str]:
        """
        Return the ids of the jobs that have not ended.

        It takes no lock, because a signal handler calls it and the interrupted code may hold the lock.
        """
        return list(self._jobs.values())

    def pending(self, items: Iterable[Item]) -> dict[Item, str]:
        """Return the documents whose job has not ended, with the ids of their jobs."""
        return {item: self._jobs[item.fingerprint] for item in items if item.fingerprint in self._jobs}

    def outstanding(self, items: Iterable[Item]) -> list[Item]:
        """Return the documents that have neither a result nor a running job. They include the failed documents."""
        return [item for item in items if item.fingerprint not in self._jobs and not self.is_classified(item)]

    def is_classified(self, item: Item) -> bool:
        """Return whether the document has a result."""
        return item.fingerprint in self._ends and self._ends[item.fingerprint][0] is State.CLASSIFIED

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
                yield self._end(item).row(item.document)

    def entries(self, items: Sequence[Item]) -> Iterator[Entry]:
        """Yield entries from which another instance gets the same state for these documents."""
        jobs = self.pending(items)
        for item in items:
            if item.fingerprint in self._ends:
                end = self._end(item)
                times = self._failures[item.fingerprint] if end.state is State.FAILED else 1
                yield from [end] * times
            if item in jobs:
                yield Entry(item.fingerprint, State.SUBMITTED, jobs[item])

    def _end(self, item: Item) -> Entry:
        _, offset, length = self._ends[item.fingerprint]
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(length)
        return Entry.from_json(json.loads(data))
