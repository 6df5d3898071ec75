"""``[classify] jobs_url`` on PostgreSQL: the jobs of two worker processes in one record."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model.job import JobStatus

WORKER = """
import json, sys
from airflow_provider_classify.hooks.classify import ClassifyHook
hook = ClassifyHook("local_engine")
keys = [(document, f"key of {document}") for document in sys.argv[1:]]
print(json.dumps([hook.submit(document, ["letter", "invoice"], key).job_id for document, key in keys]))
"""


@pytest.fixture
def jobs_url(postgres_url, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", postgres_url)
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL_ENGINE", '{"conn_type": "classify", "extra": {"backend": "local"}}')
    return postgres_url


def start(*documents):
    return subprocess.Popen([sys.executable, "-c", WORKER, *map(str, documents)], stdout=subprocess.PIPE, text=True)


def job_ids(worker):
    output, _ = worker.communicate(timeout=200)
    assert worker.returncode == 0
    return json.loads(output.splitlines()[-1])


def test_each_worker_sees_the_jobs_of_the_other(jobs_url, tmp_path):
    documents = [tmp_path / f"{number}.txt" for number in range(6)]
    for path in documents:
        path.write_text(f"Dear Mrs. Brown,\n\nthank you for {path.name}.\n\nYours sincerely\nJohn Smith\n")
    # Both make the tables in the same moment, and both submit the last document with the same key.
    workers = [start(*documents[:3], documents[5]), start(*documents[3:])]
    first, second = map(job_ids, workers)
    assert len({*first[:3], *second[:2]}) == 5
    hook = ClassifyHook("local_engine")
    for job_id in {*first, *second}:
        job = hook.get(job_id)
        assert job.status is JobStatus.COMPLETED
        assert job.result.classification == "letter"
    assert job_ids(start(*documents[:3])) == first[:3]
