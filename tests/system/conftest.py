"""
Start the service with a key, and define its connection and documents.

The modules of a folder share one Airflow, which its ``conftest.py`` starts: ``default_connection``, where
``classify_default`` is the service, and ``no_default_connection``. Any other module starts an Airflow of its own.
"""

from __future__ import annotations

import json

import pytest
from samples import draw_samples

from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.service import running_service


@pytest.fixture(scope="session")
def key():
    return "key-of-the-system-tests-d2f8"


@pytest.fixture(scope="session")
def service(tmp_path_factory, key):
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, api_key=key, workers=1) as service:
        yield service


@pytest.fixture(scope="session")
def connection(service, key):
    return json.dumps({"conn_type": "classify", "host": service.url, "password": key})


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    draw_samples(folder)
    for path in folder.iterdir():
        if path.name not in ("invoice.pdf", "letter.pdf"):
            path.unlink()
    return folder


@pytest.fixture
def warm(service, documents, connection, monkeypatch):
    """
    Start all processes of the service's engine, since only running ones can be held.

    The second process starts when the first is busy.
    """
    monkeypatch.setenv("AIRFLOW_CONN_WARM", connection)
    hook = ClassifyHook("warm")
    for job_id in [hook.submit(str(documents / "letter.pdf"), ["letter"]).job_id for _ in range(6)]:
        hook.fetch(job_id)
