"""
The record of a batch: the documents that are submitted, classified or failed. Any storage can store it.

It is beside the output, in the folder ``<output>.parts``, and belongs to one task of one run::

    <task>.json         the plan: the task and its documents. While this file exists, the task owns the output
    <task>/<time>.jsonl the entries, in parts

Object storage has no append. So entries are collected for a second and written as a part, which never changes. A
killed task loses at most the entries of a second. If a submit is among them and the server honours keys, its
idempotency key finds the job again. The record is read only when it is loaded. After that, its state in memory is
kept up to date.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_classify.batch.cascade import next_entry
from airflow_provider_classify.batch.entry import Entry, State, decode_lines, encode
from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.state import BatchState
from airflow_provider_classify.batch.summary import small
from airflow_provider_classify.batch.task_address import HasEnded, TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import (
    BatchRecordLost,
    BatchRecordNotReadable,
    ClassifyError,
    InvalidReply,
    OutputInUse,
    StorageNotFound,
)
from airflow_provider_classify.model.cascade import Cascade, is_escalated

log = logging.getLogger(__name__)

#: The version of the record's format.
VERSION = 2
#: Seconds for which entries are collected before they are written.
PART_SECONDS = 1.0


class BatchRecord:
    """
    The record of one task. Thread-safe.

    In a ``with`` block a thread writes the new entries, because a storage may be slow and must not block an event
    loop. If the thread cannot write, the next new entry or the end of the block raises the error.

    :param evidence: ``False`` to leave the text of the documents out of all results.
    """

    def __init__(
        self, folder: str, task: TaskAddress, *, evidence: bool = True, part_seconds: float = PART_SECONDS
    ) -> None:
        self.folder = folder
        self._evidence = evidence
        self._part_seconds = part_seconds
        self.task = task
        self.state = BatchState()
        #: The cascade that decides whether a first answer stands; ``None`` without a cascade.
        self.cascade: Cascade | None = None
        #: Called with each new entry, for metrics.
        self.on_entry: Callable[[Entry], None] | None = None
        self._base = StoragePath(folder)
        self._parts = self._base / task.safe_name
        self._plan_file = self._base / f"{task.safe_name}.json"
        self._has_plan = False  # whether an earlier try has left a plan
        self._lock = threading.Lock()
        self._unwritten: list[bytes] = []
        self._failure: ClassifyError | None = None
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    @classmethod
    def load(cls, folder: str, task: TaskAddress, *, evidence: bool = True) -> BatchRecord:
        """
        Load the record of a task. If there is none, return an empty record.

        :raises StorageError: the storage refused the request or cannot be reached.
        """
        record = cls(folder, task, evidence=evidence)
        for part in record._list_parts():
            for payload in decode_lines(StoragePath(part).read_bytes().split(b"\n")):
                entry = _entry_of(payload)
                if entry is None:
                    log.warning("The record %s has an incomplete line; its document is classified again.", part)
                else:
                    record.state.add(record._without_text(entry))
        return record

    def __enter__(self) -> Self:
        self._closing.clear()
        self._writer = threading.Thread(target=self._write_until_closed, name="classify-batch-record")
        self._writer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write the remaining entries. :raises StorageError: they cannot be written."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
        self._write()
        self._failure = None  # this write has included the entries that failed before

    # --- the plan ---------------------------------------------------------------------------

    def require_sole_use(self, has_ended: HasEnded) -> None:
        """
        Raise an error if another task has a record for the same output and may still write it.

        :param has_ended: returns whether another task has ended.
        :raises OutputInUse: another task has a record and has not ended.
        :raises BatchRecordNotReadable: another version of this package wrote a record in the folder.
        """
        for file in self._list_folder():
            name = file.rpartition("/")[2]
            if file == self._plan_file.reference:
                self._has_plan = True
                continue
            if name == "plan.json" or name.endswith(".jsonl"):
                raise BatchRecordNotReadable(
                    f"The record of the batch in {self._base.label} was written by another version of this package; "
                    "finish the batch with that version, or delete the folder to classify its documents again."
                )
            if name.endswith(".json") and not name.startswith("."):
                other = _read_plan(StoragePath(file)).task
                if not has_ended(other):
                    raise OutputInUse(
                        f"The output of {self.task} is in use by {other}, whose record is in {self._base.label}; give "
                        "each task an output of its own, with {{ run_id }} or {{ ti.map_index }} in its name, or "
                        "delete the folder if that task will not run again."
                    )

    def claim(self, items: Sequence[Item], has_ended: HasEnded, *, output_is_complete: bool = False) -> None:
        """
        Write the plan, which shows other tasks that the output is in use.

        :param output_is_complete: see :meth:`write_plan`.
        :raises OutputInUse: another task has claimed the output at the same moment. Both may be refused.
        """
        self.write_plan(items, output_is_complete=output_is_complete)
        try:
            self.require_sole_use(has_ended)
        except OutputInUse:
            self._plan_file.delete()
            raise

    def write_plan(self, items: Sequence[Item], *, output_is_complete: bool = False) -> None:
        """
        Record the documents of this try, because their folder may have other files when the task resumes.

        :param output_is_complete: whether the output has the rows of this task, so that the entries may be deleted.
        """
        documents = [[item.document, item.fingerprint] for item in items]
        plan = {"version": VERSION, "task": self.task.to_json(), "documents": documents}
        if output_is_complete:
            plan["output_is_complete"] = True
        self._plan_file.write_bytes(json.dumps(plan, ensure_ascii=False).encode())

    def read_plan(self) -> list[Item]:
        """
        Return the documents of this try.

        :raises BatchRecordLost: there is no plan, for example because it is in a local folder of another machine.
        """
        try:
            return _read_plan(self._plan_file).items
        except StorageNotFound as error:
            raise BatchRecordLost(
                f"The record of the batch in {self._base.label} does not exist here; "
                "give the task an output on a storage that all workers and triggerers reach."
            ) from error

    def has_complete_output(self) -> bool:
        """
        Return whether an earlier try of the task has written its output, and was killed before it ended.

        Call :meth:`require_sole_use` first, which finds the plan of that try.

        :raises BatchRecordNotReadable: the plan is damaged.
        """
        return self._has_plan and _read_plan(self._plan_file).output_is_complete

    # --- the entries of the documents -------------------------------------------------------

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

    def _record_outcome(self, item: Item, entry: Entry) -> bool:
        """Record the entry that follows an outcome of a connection. Return ``False`` if the document has failed."""
        if self.cascade is not None:
            entry = next_entry(self.cascade, self.state.first_outcome(item), entry)
        self._add(entry)
        return entry.state is not State.FAILED

    def reuse(self, entry: Entry) -> None:
        """Record an entry of an earlier batch."""
        self._add(entry)

    # --- transfer to another machine --------------------------------------------------------

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
        self.write_plan(items)
        for payload in packed["entries"]:
            self._add(Entry.from_json(payload))
        self._write()
        return items

    @property
    def parts_folder(self) -> str:
        """The folder of the entries, which :meth:`remove` deletes with all files in it."""
        return self._parts.reference

    def remove(self) -> None:
        """Delete the record. The caller has written the output. The plan, which records that, is deleted last."""
        self._parts.delete_folder()
        self._plan_file.delete()
        self._base.delete_if_empty()

    # --- parts ------------------------------------------------------------------------------

    def _without_text(self, entry: Entry) -> Entry:
        return entry if self._evidence else entry.without_text()

    def _add(self, entry: Entry) -> None:
        entry = self._without_text(entry)
        encoded = encode(entry)
        with self._lock:
            self.state.add(entry, encoded)
            self._unwritten.append(encoded)
        if self.on_entry is not None:
            self.on_entry(entry)
        if self._failure is not None:
            raise self._failure

    def _write_until_closed(self) -> None:
        while not self._closing.wait(self._part_seconds):
            try:
                self._write()
            except ClassifyError as error:
                self._failure = error
                return

    def _write(self) -> None:
        with self._lock:
            entries, self._unwritten = self._unwritten, []
        if not entries:
            return
        # Zero-padded nanoseconds sort by time. The random part avoids the same name for two writers.
        part = self._parts / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.jsonl"
        try:
            part.write_bytes(b"".join(entries))
        except ClassifyError:
            with self._lock:
                self._unwritten = entries + self._unwritten
            raise

    def _list_parts(self) -> list[str]:
        try:
            return [part for part in self._parts.list_files() if part.endswith(".jsonl")]
        except StorageNotFound:
            return []

    def _list_folder(self) -> list[str]:
        try:
            return self._base.list_files()
        except StorageNotFound:
            return []


@dataclass(frozen=True, slots=True)
class _Plan:
    task: TaskAddress
    items: list[Item]
    output_is_complete: bool


def _read_plan(file: StoragePath) -> _Plan:
    data = file.read_bytes()
    try:
        plan = json.loads(data)
        if plan["version"] != VERSION:
            raise ValueError(f"version {plan['version']}")
        items = [Item(document, fingerprint) for document, fingerprint in plan["documents"]]
        return _Plan(TaskAddress.from_json(plan["task"]), items, plan.get("output_is_complete") is True)
    except (ValueError, KeyError, TypeError) as error:
        raise BatchRecordNotReadable(
            f"The plan of a batch in {file.label} is damaged or of another version of this package; "
            "delete the file and the folder of the same name to classify the documents again."
        ) from error


def _entry_of(payload: Mapping[str, Any] | None) -> Entry | None:
    try:
        return None if payload is None else Entry.from_json(payload)
    except ValueError:
        return None
