"""What a backend is given to do in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.waiting import Wait


@dataclass(frozen=True, slots=True)
class BatchWork:
    """
    The documents of a batch, and the record that everything is put on.

    ``todo`` are the documents to submit or classify; those that wait for a job are in the record. ``wait``
    is what the waits for the jobs have in common; ``None`` means that the task waits elsewhere, in the triggerer.
    ``key_of`` returns a document's idempotency key.
    """

    items: Sequence[Item]
    todo: Sequence[Item]
    categories: Sequence[Category]
    record: BatchRecord
    wait: Wait | None
    key_of: Callable[[Item], str]
    log: Any

    def progress_log(self) -> ProgressLog:
        """Return a log of the documents that this work ends."""
        left = len(self.todo) if self.wait is None else len({*self.todo, *self.record.state.pending(self.items)})
        return ProgressLog(self.log, total=len(self.items), done=len(self.items) - left)
