"""A batch, from its plan to its output."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airflow_provider_classify.batch.entry import Entry
from airflow_provider_classify.batch.output import read_output, write_output
from airflow_provider_classify.batch.plan import RECORD_SUFFIX, Item, items_of, list_documents
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.shards import Shard
from airflow_provider_classify.batch.summary import FailureLimit, Summary, small
from airflow_provider_classify.batch.task_address import HasEnded, TaskAddress
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    BatchEmpty,
    BatchFailed,
    BatchIncomplete,
    DocumentError,
    InvalidOutput,
    JobTimedOut,
    StorageNotFound,
)
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.cascade import Cascade
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.polling import Wait
from airflow_provider_classify.model.text import encodable

log = logging.getLogger(__name__)

#: The most documents of a batch without an output, whose results go to XCom.
_MAX_IN_XCOM = 1000
#: The most documents that are read concurrently for their fingerprints.
_CONCURRENT_READS = 16


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
        :raises InvalidOutput: there is no output, and too many documents for XCom.
        :raises OutputInUse: another task uses the output.
        :raises StorageError: a storage refused the request or cannot be reached.
        """
        record = BatchRecord.load(record_folder(output), task, evidence=evidence)
        record.require_sole_use(has_ended)
        references = references_of(request.documents, request.pattern, output, may_be_empty=request.may_be_empty)
        if request.shard:
            references = [reference for reference in references if request.shard.has(reference)]
        if not output and len(references) > _MAX_IN_XCOM:
            raise InvalidOutput(
                f"{len(references)} documents are too many for XCom; give the task {task.task_id!r} an output."
            )
        items = _items(request, references)
        is_complete = output is not None and record.has_complete_output()
        record.claim(items, has_ended, output_is_complete=is_complete)
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
        :raises BatchRecordLost: there is no record.
        """
        folder = record_folder(output)
        if packed is not None:
            record = BatchRecord(folder, task, evidence=evidence)
            items = record.unpack(packed)
        else:
            record = BatchRecord.load(folder, task, evidence=evidence)
            items = record.read_plan()
        record.cascade = cascade
        return cls(record, items, output)

    def at(self, *, second: bool) -> list[Item]:
        """Return the documents of the first or the second connection of a cascade."""
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
        :param on_unreadable: whether unreadable documents count as failed, have a row and do not count as failed, or
            have no row.
        :param keep_record: whether the record stays, from which a cleared task classifies only what failed.
        :returns: the manifest, or the rows if there is no output.
        :raises JobTimedOut: jobs have not ended.
        :raises BatchIncomplete: documents have neither a result nor an error.
        :raises BatchFailed: more documents failed than the limit allows. The output is written.
        """
        self._require_complete(wait)
        rows = self.record.state.rows(self.items)
        value = publish(rows, self.output, limit, on_unreadable, to_clear=str(self.record.task))
        if keep_record:
            return value
        if self.output:
            self.record.write_plan(self.items, output_is_complete=True)
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


def record_folder(output: str | None) -> str:
    """
    Return the folder for records. It is beside the output. Without an output, it is under Airflow's home on this
    machine.
    """
    if output:
        return f"{output}{RECORD_SUFFIX}"
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return str(home / "classify" / "batches")


def _is_of_another_cascade(entry: Entry, cascade: Cascade | None) -> bool:
    """Return whether a second connection of another cascade gave the answer."""
    answered_by = (entry.cascade or {}).get("answered_by")
    return cascade is not None and answered_by not in (None, cascade.first, cascade.second)


def publish(
    rows: Iterable[Mapping[str, Any]],
    output: str | None,
    limit: FailureLimit,
    on_unreadable: OnUnreadable,
    *,
    to_clear: str,
) -> Any:
    """
    Write the output and log the errors of documents.

    :param on_unreadable: as in :meth:`Batch.finish`.
    :param to_clear: the task or tasks that a user clears to classify the failed documents again.
    :returns: the manifest, or the rows if there is no output.
    :raises BatchFailed: more documents failed than the limit allows. The output is written.
    """
    summary = Summary(on_unreadable)
    counted = summary.count(rows)
    if output:
        write_output(output, counted)
        value: Any = summary.manifest(output)
    else:
        value = [small(row) for row in counted]
    for failure in summary.failures:
        log.warning("Not classified: %s", failure["error"])
    for line in summary.lines(output):
        log.info("%s", line)
    if limit.is_exceeded(summary.failed, summary.documents):
        raise BatchFailed(
            f"{summary.failed} of {summary.documents} documents were not classified, more than {limit} allows; see "
            f"their errors in {output or 'the log'}, and clear {to_clear} to classify them again."
        )
    return value


def references_of(documents: str | Sequence[str], pattern: str, output: str | None, *, may_be_empty: bool) -> list[str]:
    """
    Return the references of the documents of a batch: those of the list, or those in the folder.

    :raises BatchEmpty: there are no documents, unless they ``may_be_empty``.
    """
    if isinstance(documents, str):
        found = list_documents(documents, pattern, output=output)
        if found or may_be_empty:
            return found
        raise BatchEmpty(
            f"There is no document in {documents} that matches {pattern!r}; check the folder and the pattern, or give "
            "the task another on_empty. An earlier output is left as it is."
        )
    references = list(dict.fromkeys(documents))
    if references or may_be_empty:
        return references
    raise BatchEmpty(
        "The list of documents is empty; check the task that it comes from, or give the task another on_empty. "
        "An earlier output is left as it is."
    )


def _items(request: Request, references: Sequence[str]) -> list[Item]:
    with ThreadPoolExecutor(_CONCURRENT_READS) as readers:
        fingerprints = dict(zip(references, readers.map(_fingerprint, references), strict=True))
    return items_of(fingerprints, request.categories, request.classifier)


def _fingerprint(reference: str) -> str:
    """Return the document's fingerprint. If it cannot be read, return the error; the document fails later."""
    try:
        return Document(reference).fingerprint()
    except DocumentError as error:
        return str(error)
