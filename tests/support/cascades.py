"""Run cascades of two services whose answers come from tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.app_server import AppServer
from tests.support.context import context
from tests.support.table_api import Answer
from tests.support.task_state import TaskState

CATEGORIES = ["invoice", "letter"]
UNSURE = ("invoice", 0.62)
SURE = ("invoice", 0.95)


class Apis:
    """Two services. Their tables have the answers about the one document of a test."""

    def __init__(self, first: AppServer, second: AppServer, document: Path) -> None:
        self.first, self.second, self._content = first, second, document.read_bytes()
        self.document = document

    def answer(self, first: Answer, second: Answer | None = None) -> None:
        self.first.classifier.table = {self._content: first}
        self.second.classifier.table = {self._content: second}

    def jobs(self) -> tuple[list[str], ...]:
        """Return the ids of the jobs of each service."""
        return tuple([job.job_id for job in api.store.jobs()] for api in (self.first, self.second))


def operator(document: object, **arguments: Any) -> ClassifyOperator:
    """Return the operator of a cascade of the connections ``first`` and ``second``."""
    arguments = {
        "classify_conn_id": "first",
        "escalate_to": "second",
        "escalate_below": 0.9,
        "poll_interval": 1,
        **arguments,
    }
    return ClassifyOperator(task_id="t", document=str(document), categories=CATEGORIES, **arguments)


def classify(apis: Any, store: TaskState | None = None, **arguments: Any) -> Any:
    """Run one try of the task. ``store`` is the state that it leaves to the next try."""
    return operator(apis.document, **arguments).execute(task_context(store))


def task_context(store: TaskState | None = None) -> dict[str, Any]:
    """Return a context whose task has this state."""
    return context() | ({} if store is None else {"task_state_store": store})
