"""
A batch that several tasks classify.

One task plans the shards, one task classifies each shard, and one task merges them.

The record of the batch belongs to the task that merges. The record reserves the output until that task has ended. In
the folder of the record, each shard has its own output and record. A killed shard continues from its record. A cleared
shard classifies only the documents that failed::

    <output>.parts/<task that merges>/shards/0.jsonl          the output of a shard
    <output>.parts/<task that merges>/shards/0.jsonl.parts/   its record
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_classify.batch.output import read_output
from airflow_provider_classify.batch.plan import find_documents, record_folder
from airflow_provider_classify.batch.publish import publish
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.shards import divide
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.batch.task_address import HasEnded, TaskAddress
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import BatchRecordLost, StorageNotFound
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.batch_output import BatchManifest
from airflow_provider_classify.model.printable_text import encodable


@dataclass(frozen=True, slots=True)
class ShardedBatch:
    """
    A batch in shards.

    ``documents`` and ``pattern`` are the same as in :class:`~airflow_provider_classify.batch.batch.Request`. ``task``
    is the task that merges.
    """

    documents: str | Sequence[str]
    pattern: str
    output: str
    task: TaskAddress

    def plan(self, shards: int, *, may_be_empty: bool, has_ended: HasEnded) -> list[dict[str, Any]]:
        """
        Divide the documents and claim the output.

        :returns: the arguments ``shard`` and ``output`` of each task that classifies.
        :raises BatchEmpty: there are no documents, and ``may_be_empty`` is false.
        :raises OutputInUse: another task uses the output.
        :raises StorageError: a storage refused the request or cannot be reached.
        """
        record = BatchRecord(record_folder(self.output), self.task)
        record.plan.require_sole_use(has_ended)
        references = find_documents(self.documents, self.pattern, self.output, may_be_empty=may_be_empty)
        record.plan.claim([], has_ended)
        return [
            {"shard": shard.to_json(), "output": f"{record.parts_folder}/shards/{number}.jsonl"}
            for number, shard in enumerate(divide(references, shards))
        ]

    def merge(
        self, outputs: Sequence[str], limit: FailureLimit, on_unreadable: OnUnreadable, *, to_clear: str
    ) -> BatchManifest:
        """
        Write the rows of all shards to the output, in the order of the documents, and delete the record.

        :param outputs: the outputs of the shards.
        :param on_unreadable: as in :meth:`Batch.finish <airflow_provider_classify.batch.batch.Batch.finish>`.
        :param to_clear: the tasks that a user clears to classify failed documents again.
        :raises BatchRecordLost: the output of a shard does not exist.
        :raises BatchFailed: more documents failed than the limit allows. The output is written.
        """
        record = BatchRecord(record_folder(self.output), self.task)
        record.plan.require_sole_use(lambda _: True)  # this call finds the plan of this task
        # If the output is complete, an earlier try was killed while it deleted the record. Then shards may be missing.
        rows = read_output(self.output) if record.plan.has_complete_output() else self._in_order(outputs, to_clear)
        manifest: BatchManifest = publish(rows, self.output, limit, on_unreadable, to_clear=to_clear)
        record.plan.write([], output_is_complete=True)
        record.remove()
        return manifest

    def _in_order(self, outputs: Sequence[str], to_clear: str) -> Iterator[dict[str, Any]]:
        if isinstance(self.documents, str):
            return heapq.merge(*(_rows(output, to_clear) for output in outputs), key=lambda row: str(row["document"]))
        position = {encodable(Document(document).label): number for number, document in enumerate(self.documents)}
        return heapq.merge(
            *(_rows(output, to_clear) for output in outputs), key=lambda row: position.get(row["document"], 0)
        )


def _rows(output: str, to_clear: str) -> Iterator[dict[str, Any]]:
    try:
        yield from read_output(output)
    except StorageNotFound as error:
        raise BatchRecordLost(
            f"The output of a shard, {StoragePath(output).label}, does not exist; clear {to_clear} to classify its "
            "documents again, and name an output on a storage that all workers reach."
        ) from error
