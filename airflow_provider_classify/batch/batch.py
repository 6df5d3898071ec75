"""A batch, from its plan to its output."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_classify.batch.output import read_output
from airflow_provider_classify.batch.plan import Item, find_documents, read_items, record_folder
from airflow_provider_classify.batch.publish import publish
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.record_entry import Entry
from airflow_provider_classify.batch.shards import Shard
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.batch.task_address import HasEnded, TaskAddress
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.exceptions import (
    BatchIncomplete,
    InvalidOutput,
    JobTimedOut,
    StorageNotFound,
)
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.cascade import Cascade
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.polling import Wait
from airflow_provider_classify.model.printable_text import encodable

log = logging.getLogger(__name__)

#: The most documents of a batch without an output, whose results go to XCom.
_MAX_IN_XCOM = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """
    The documents and categories of a batch, and the identity of its classifier.

    ``documents`` is a list of references, or a folder or prefix. Of a folder, only the documents that match ``pattern``
    are classified. ``shard`` selects a part of the documents. ``may_be_empty`` allows a batch without documents.
    """

    documents: str | Sequence[str]
    pattern: str
    categories: Sequence[Category]
    classifier: str
    shard: Shard | None = None
    may_be_empty: bool = False
    cascade: Cascade | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The documents of a batch and its record."""

    record: BatchRecord
    items: Sequence[Item]
    output: str | None

    @classmethod
    def begin(
        cls,
        request: Request,
        *,
        output: str | None,
        previous: str | None,
        task: TaskAddress,
        has_ended: HasEnded,
        evidence: bool = True,
    ) -> Batch:
        """
        Plan a try of the task: list the documents, claim the output, and reuse the results of ``previous``.

        :param evidence: ``False`` to leave the text of the documents out of all results.
        :raises BatchEmpty: there are no documents, and the request does not allow that.
        :raises InvalidOutput: the task has no output, and there are too many documents for XCom; or ``previous`` is not
            the output of a batch.
        :raises BatchRecordNotReadable: the record is damaged, or another version of this package wrote it.
        :raises OutputInUse: another task uses the output.
        :raises StorageError: a storage refused the request or cannot be reached.
        """
        record = BatchRecord.load(record_folder(output), task, evidence=evidence)
        if output:  # the records of tasks without an output share a folder, and do not conflict
            record.plan.require_sole_use(has_ended)
        references = find_documents(request.documents, request.pattern, output, may_be_empty=request.may_be_empty)
        if request.shard:
            references = [reference for reference in references if request.shard.has(reference)]
        if not output and len(references) > _MAX_IN_XCOM:
            raise InvalidOutput(
                f"{len(references)} documents are too many for XCom; give the task {task.task_id!r} an output."
            )
        items = read_items(references, request.categories, request.classifier)
        is_complete = output is not None and record.plan.has_complete_output()
        if output:
            record.plan.claim(items, has_ended, output_is_complete=is_complete)
        else:
            record.plan.write(items)
        batch = cls(record, items, output)
        record.cascade = request.cascade
        if output and is_complete:
            batch._reuse(output, is_own=True)
        if previous:
            batch._reuse(previous)
        if request.cascade:
            with record:
                record.reopen(items)
        return batch

    @classmethod
    def resume(
        cls,
        *,
        output: str | None,
        task: TaskAddress,
        packed: Mapping[str, Any] | None,
        evidence: bool = True,
        cascade: Cascade | None = None,
    ) -> Batch:
        """
        Continue the batch of a deferred task.

        :param packed: the record of a batch without an output, which may resume on another machine.
        :param evidence: see :meth:`begin`.
        :raises BatchRecordLost: the record does not exist on this machine.
        """
        folder = record_folder(output)
        if packed is not None:
            record = BatchRecord(folder, task, evidence=evidence)
            items = record.unpack(packed)
        else:
            record = BatchRecord.load(folder, task, evidence=evidence)
            items = record.plan.read_items()
        record.cascade = cascade
        return cls(record, items, output)

    def at(self, *, second: bool) -> list[Item]:
        """Return the documents of the first connection, or of the ``second`` connection of a cascade."""
        return [item for item in self.items if self.record.state.is_escalated(item) is second]

    def with_references(self, items: Sequence[Item], documents: str | Sequence[str], pattern: str) -> list[Item]:
        """
        Return documents with the references that open them. The record of a resumed task does not have the references.

        :param documents: as in :class:`Request`.
        :raises DocumentError: the folder does not exist or is not allowed.
        :raises StorageError: the storage refused the request or cannot be reached.
        """
        found = list_documents(documents, pattern, output=self.output) if isinstance(documents, str) else documents
        reference_of = {encodable(Document(reference).label): reference for reference in found}
        return [replace(item, reference=reference_of.get(item.document, item.document)) for item in items]

    def finish(
        self, wait: Wait, limit: FailureLimit, on_unreadable: OnUnreadable = "fail", *, keep_record: bool = False
    ) -> Any:
        """
        Write the output and delete the record.

        :param wait: the wait for the jobs, which has ended.
        :param on_unreadable: ``fail`` counts unreadable documents as failed, ``result`` only gives them a row, and
            ``skip`` leaves them out of the rows.
        :param keep_record: whether to keep the record. With it, a cleared task classifies only the failed documents.
        :returns: the manifest; without an output, the rows.
        :raises JobTimedOut: jobs have not ended.
        :raises BatchIncomplete: documents have neither a result nor an error.
        :raises BatchFailed: more documents failed than the limit allows. The output is written, and the record stays.
        """
        self._require_complete(wait)
        rows = self.record.state.rows(self.items)
        value = publish(rows, self.output, limit, on_unreadable, to_clear=str(self.record.task))
        if keep_record:
            return value
        if self.output:
            self.record.plan.write(self.items, output_is_complete=True)
        self.record.remove()
        return value

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield the row of each document that has a result or an error."""
        return self.record.state.rows(self.items)

    def _require_complete(self, wait: Wait) -> None:
        pending = len(self.record.state.pending(self.items))
        if pending:
            raise JobTimedOut(
                f"{pending} of {len(self.items)} documents were not done {time.time() - wait.since:.0f} s after the "
                f"wait began; retry {self.record.task} to continue, or raise its timeout."
            )
        missing = self.record.state.without_end(self.items)
        if missing:
            raise BatchIncomplete(
                f"{len(missing)} of {len(self.items)} documents have no result in the record, such as "
                f"{missing[0].document}; retry {self.record.task} to classify them."
            )

    def _reuse(self, previous: str, *, is_own: bool = False) -> None:
        """
        Reuse the results of unchanged documents from an earlier output. The output need not exist.

        :param is_own: whether an earlier try of this task wrote it.
        """
        state, cascade = self.record.state, self.record.cascade
        wanted = {item.fingerprint for item in state.outstanding(self.items)}
        with self.record:
            try:
                for row in read_output(previous):
                    entry = Entry.from_row(row)
                    if entry is not None and entry.fingerprint in wanted and not _is_of_another_cascade(entry, cascade):
                        wanted.discard(entry.fingerprint)
                        self.record.reuse(replace(entry, reused="reused" in row) if is_own else entry)
            except StorageNotFound as error:
                log.info("No results are reused: %s", error)


def _is_of_another_cascade(entry: Entry, cascade: Cascade | None) -> bool:
    """Return whether a connection that is not in this cascade gave the answer."""
    answered_by = (entry.cascade or {}).get("answered_by")
    return cascade is not None and answered_by not in (None, cascade.first, cascade.second)
