"""The work of a backend in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.polling import Wait


@dataclass(frozen=True, slots=True)
class BatchWork:
    """
    The documents of a batch, and the record of their outcomes.

    ``todo`` are the documents to submit or classify. The record has the documents whose jobs are running. ``wait`` has
    the start, deadline and pauses of the waits for the jobs; it is ``None`` if the triggerer waits. ``key_of`` returns
    the idempotency key of a document.
    """

    items: Sequence[Item]
    todo: Sequence[Item]
    categories: Sequence[Category]
    record: BatchRecord
    wait: Wait | None
    key_of: Callable[[Item], str]
    log: Any

    def progress_log(self) -> ProgressLog:
        """Return a progress log for this work."""
        left = len(self.todo) if self.wait is None else len({*self.todo, *self.record.state.pending(self.items)})
        return ProgressLog(self.log, total=len(self.items), done=len(self.items) - left)
