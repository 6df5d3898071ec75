"""Start the Airflow of this folder, once for all its modules."""

from __future__ import annotations

import json

import pytest

from tests.support.chat_server import chat_server, says
from tests.support.system_airflow import system_airflow

DAGS = (
    "dags/classify_in_taskflow.py",
    "dags/classify_with_cascade.py",
    "dags/compare_backends.py",
    "dags/first_classification.py",
    "dags/review_doubtful_documents.py",
    "dags/wait_for_classification_job.py",
    "tests/dags/cascade_cases.py",
    "tests/dags/page_cases.py",
    "tests/dags/review_cases.py",
    "tests/dags/unreadable_cases.py",
)


@pytest.fixture(scope="package")
def model():
    """A language model that takes a document with the word "invoice" for an invoice, and any other for a contract."""
    with chat_server(lambda request: says("invoice" if "invoice" in request.text.lower() else "contract")) as model:
        yield model


@pytest.fixture(scope="package")
def learned(tmp_path_factory):
    return tmp_path_factory.mktemp("learned")


@pytest.fixture(scope="package")
def airflow(connection, model, learned, tmp_path_factory):
    api, backend = model.environment().values()
    local = json.dumps({"conn_type": "classify", "extra": {"backend": "local"}})
    connections = {"CLASSIFY_API": connection, "MODEL_API": api, "CLASSIFY_MODEL": backend, "CLASSIFY_LOCAL": local}
    environment = {"LEARNED_DOCUMENTS": str(learned / "example")}
    with system_airflow(tmp_path_factory.mktemp("airflow"), DAGS, connections, environment) as airflow:
        yield airflow
