"""
The record of a batch: the documents that are submitted, classified or failed. It can be in any storage.

It is beside the output, in the folder ``<output>.parts``, and belongs to one task of one run::

    <task>.json         the plan: the task and its documents. While this file exists, the task owns the output
    <task>/<time>.jsonl the entries, in parts

If a killed task has lost the entry of a submit and the server honours keys, the idempotency key finds the job again.
The record is read only when it is loaded. After that, its state in memory is kept up to date.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from airflow_provider_classify.batch.cascade import next_entry
from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.plan_file import PlanFile
from airflow_provider_classify.batch.record_entry import Entry, State, encode
from airflow_provider_classify.batch.record_parts import PART_SECONDS, Parts
from airflow_provider_classify.batch.state import BatchState
from airflow_provider_classify.batch.summary import small
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import ClassifyError, InvalidReply
from airflow_provider_classify.model.cascade import Cascade, is_escalated


class BatchRecord:
    """
    The record of one task. Thread-safe.

    In a ``with`` block a thread writes the new entries; see :class:`Parts`.

    :param evidence: ``False`` to leave the text of the documents out of all results.
    """

    def __init__(
        self, folder: str, task: TaskAddress, *, evidence: bool = True, part_seconds: float = PART_SECONDS
    ) -> None:
        self.folder = folder
        self.task = task
        self.state = BatchState()
        self._base = StoragePath(folder)
        self.plan = PlanFile(self._base, task)
        #: The cascade that decides whether a first answer stands; ``None`` without a cascade.
        self.cascade: Cascade | None = None
        #: Called with each new entry, for metrics.
        self.on_entry: Callable[[Entry], None] | None = None
        self._evidence = evidence
        self._parts = Parts(StoragePath(self.parts_folder), seconds=part_seconds)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: str, task: TaskAddress, *, evidence: bool = True) -> BatchRecord:
        """
        Load the record of a task. For a task without a record, return an empty one.

        :raises StorageError: the storage refused the request or cannot be reached.
        """
        record = cls(folder, task, evidence=evidence)
        for entry in record._parts.read():
            record.state.add(record._without_text(entry))
        return record

    def __enter__(self) -> Self:
        self._parts.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write the remaining entries. :raises StorageError: they cannot be written."""
        self._parts.__exit__(*exc_info)

    def submitted(self, item: Item, job_id: str) -> None:
        """Record that a document has a job."""
        self._add(Entry(item.fingerprint, State.SUBMITTED, job_id))

    def lost(self, item: Item) -> None:
        """Record that the API no longer knows the document's job. The next try submits the document again."""
        self._add(Entry(item.fingerprint, State.LOST))

    def classified(self, item: Item, result: Mapping[str, Any], job_id: str | None = None) -> bool:
        """
        Record the result of a document from the connection that was asked last.

        :returns: ``False`` if JSON cannot represent the result. Then the document is recorded as failed.
        """
        try:
            return self._record_outcome(item, Entry(item.fingerprint, State.CLASSIFIED, job_id, result=result))
        except InvalidReply as error:
            return self.failed(item, error, job_id)

    def failed(self, item: Item, error: ClassifyError, job_id: str | None = None) -> bool:
        """
        Record the error of a document from the connection that was asked last.

        :returns: ``False``, or ``True`` if a cascade has another answer for the document or will ask for one.
        """
        return self._record_outcome(item, Entry.failure(item.fingerprint, error, job_id))

    def reopen(self, items: Sequence[Item]) -> None:
        """
        Escalate the results of the first connection that do not reach the threshold.

        The threshold may have changed since the last try.
        """
        if self.cascade is None:
            return
        for item in items:
            entry = self.state.result(item)
            fields = (entry and entry.cascade) or {}
            if entry and not is_escalated(fields) and fields.get("answered_by") != self.cascade.second:
                following = next_entry(self.cascade, None, entry)
                if following != entry:
                    self._add(following)

    def reuse(self, entry: Entry) -> None:
        """Record an entry of an earlier batch."""
        self._add(entry)

    def pack(self, items: Sequence[Item]) -> dict[str, Any]:
        """Return the record for a worker that cannot reach it. Results are packed without their pages."""
        entries = [entry.to_json() for entry in self.state.entries(items)]
        for entry in entries:
            if "result" in entry:
                entry["result"] = small(entry["result"])
        return {"plan": [[item.document, item.fingerprint] for item in items], "entries": entries}

    def unpack(self, packed: Mapping[str, Any]) -> list[Item]:
        """Replace this record by a packed one, which is newer, and return its documents."""
        items = [Item(document, fingerprint) for document, fingerprint in packed["plan"]]
        self.remove()
        self.state = BatchState()
        self.plan.write(items)
        for payload in packed["entries"]:
            self._add(Entry.from_json(payload))
        self._parts.write()
        return items

    @property
    def parts_folder(self) -> str:
        """The folder of the entries, which :meth:`remove` deletes with all files in it."""
        return (self._base / self.task.safe_name).reference

    def remove(self) -> None:
        """Delete the record. The caller has written the output. The plan, which records that, is deleted last."""
        self._parts.delete()
        self.plan.delete()
        self._base.delete_if_empty()

    def _record_outcome(self, item: Item, entry: Entry) -> bool:
        """Record the entry that follows an outcome of a connection. Return ``False`` if the document has failed."""
        if self.cascade is not None:
            entry = next_entry(self.cascade, self.state.first_outcome(item), entry)
        self._add(entry)
        return entry.state is not State.FAILED

    def _without_text(self, entry: Entry) -> Entry:
        return entry if self._evidence else entry.without_text()

    def _add(self, entry: Entry) -> None:
        entry = self._without_text(entry)
        encoded = encode(entry)
        with self._lock:  # the parts have the order of the state
            self.state.add(entry, encoded)
            self._parts.add(encoded)
        if self.on_entry is not None:
            self.on_entry(entry)
