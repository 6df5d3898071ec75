"""
Serve a classify API whose answers come from a table, for tests and benchmarks that need known answers.

It is the real service over HTTP with a record of its jobs; only its engine is replaced.

    with table_api(folder, {content: ("invoice", 0.62)}) as api:
        httpx.post(f"{api.url}/classify", ...)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from tests.support.app_server import AppServer, HeldClassifier, app_server

#: A category with its confidence, or an error. ``(None, 0.0)`` is the answer about a blank document.
Answer = tuple[str | None, float] | ClassifyError


@dataclass
class TableClassifier(HeldClassifier):
    """Answers from a table, by the content of a document. ``engine`` names it in the results."""

    table: Mapping[bytes, Answer] = field(default_factory=dict)
    engine: str = "table"

    def classify(
        self, path: str, categories: Sequence[Category], *, name: str, job_id: str = ""
    ) -> ClassificationResult:
        answer = self.table[self.read(path, name)]
        if isinstance(answer, ClassifyError):
            raise answer
        category, confidence = answer
        page = PageResult(1, True, category, confidence, raw_result=category, blank=category is None)
        return ClassificationResult(
            True, category, confidence, 1, 1, (page,), blank=category is None, extra={"engine": self.engine}
        )


@contextmanager
def table_api(
    folder: Path, table: Mapping[bytes, Answer], *, engine: str = "table", **arguments: Any
) -> Iterator[AppServer]:
    """Serve the API with its record in ``folder``. The other arguments are those of :func:`app_server`."""
    folder.mkdir(parents=True, exist_ok=True)
    with app_server(folder, classifier=TableClassifier(table=table, engine=engine), **arguments) as server:
        yield server


def connect_to(patch: pytest.MonkeyPatch, name: str, api: AppServer) -> None:
    """Define the Airflow connection ``name`` to an API."""
    connection = {"conn_type": "classify", "host": api.url}
    patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
