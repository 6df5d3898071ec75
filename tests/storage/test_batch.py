"""The batch operator on every kind of storage: documents, record and output lie there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.batch.output import read_output
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import BatchEmpty, ConnectionNotUsable, StorageForbidden, StorageNotFound
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.storage.storages import names, rejected_credentials
from tests.support.context import context
from tests.support.service import connected_service
from tests.support.sharded import Tasks
from tests.support.waiting import wait_until

LETTER = "Dear Mrs. Brown,\n\nthank you for your letter {number}.\n\nYours sincerely\nJohn Smith\n"
NAMES = [f"letter {number}.txt" for number in range(4)]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with connected_service(tmp_path_factory.mktemp("service")) as service:
        yield service


def write_letters(folder, count=1):
    for number in range(count):
        path = Path(folder, f"letter {number}.txt")
        path.write_text(LETTER.format(number=number))
    return path


@pytest.fixture
def folder(storage, tmp_path):
    folder = storage.folder()
    (tmp_path / "letters").mkdir()
    write_letters(tmp_path / "letters", len(NAMES))
    storage.put(f"{folder}/in", tmp_path / "letters")
    return folder


@pytest.fixture
def folder_of_letters(tmp_path):
    write_letters(tmp_path, len(NAMES))
    return tmp_path


def batch(folder, connection="service", **arguments):
    arguments = {"documents": f"{folder}/in", "output": f"{folder}/out.jsonl", "poll_interval": 1, **arguments}
    return ClassifyBatchOperator(
        task_id="t", categories=["letter", "invoice"], classify_conn_id=connection, **arguments
    )


def classified(output):
    return {row["document"].rpartition("/")[2]: row.get("classification") for row in read_output(output)}


def fetched(record):
    for job_id in record.state.job_ids():
        ClassifyHook("service").fetch(job_id)


EXPECTED = dict.fromkeys(NAMES, "letter")


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("connection", ["service", "local_engine"])
def test_the_output_has_a_row_for_each_document_and_no_record_is_left(
    service, local_engine, folder, suffix, connection
):
    output = f"{folder}/out/{suffix}/out.{suffix}"
    manifest = batch(folder, connection, output=output).execute(context())
    assert manifest["categories"] == {"letter": 4}
    assert classified(output) == EXPECTED
    assert names(f"{folder}/out") == [f"{suffix}/out.{suffix}"]
    again = context()
    again["ti"].run_id = "another run"
    reused = batch(folder, connection, previous=output, output=f"{folder}/again.{suffix}").execute(again)
    assert reused["reused"] == 4
    assert classified(f"{folder}/again.{suffix}") == EXPECTED


def test_a_batch_in_shards_leaves_only_its_output(service, folder):
    for suffix in ("jsonl", "csv"):
        tasks = Tasks(f"{folder}/in", output=f"{folder}/out.{suffix}", shards=3)
        plan = tasks.plan()
        assert sum(manifest["documents"] for manifest in tasks.shards(plan)) == 4
        assert tasks.merge(plan)["categories"] == {"letter": 4}
        assert classified(f"{folder}/out.{suffix}") == EXPECTED
    assert names(folder) == [*(f"in/{name}" for name in NAMES), "out.csv", "out.jsonl"]


def test_a_deferred_batch_reads_its_record_twice(service, folder, monkeypatch):
    """Once in the triggerer for the jobs, once on the worker that resumes; no part is read a third time."""
    reads = Counter()
    read_bytes = StoragePath.read_bytes

    def counting(path):
        reads[path.reference.rpartition("/")[2]] += ".parts/" in path.reference
        return read_bytes(path)

    monkeypatch.setattr(StoragePath, "read_bytes", counting)
    task, operator = context(), batch(folder, deferrable=True)
    with service.frozen_engine(), pytest.raises(TaskDeferred) as deferred:
        operator.execute(task)
    assert not reads
    event = run_trigger(deferred.value.trigger)
    manifest = operator.execute_complete(task, event, **(deferred.value.kwargs or {}))
    assert manifest["classified"] == 4
    assert classified(f"{folder}/out.jsonl") == EXPECTED
    parts = {name: count for name, count in reads.items() if name.endswith(".jsonl")}
    plans = {name: count for name, count in reads.items() if name.endswith(".json")}
    assert set(parts.values()) == {2}
    assert list(plans.values()) == [1]


def run_trigger(trigger):
    import asyncio

    async def run():
        return [event.payload async for event in trigger.run()]

    [payload] = asyncio.run(run())
    return payload


def test_an_empty_folder_leaves_an_earlier_output_as_it_was(service, storage, tmp_path):
    folder = storage.folder()
    StoragePath(f"{folder}/out.jsonl").write_bytes(b"yesterday")
    StoragePath(f"{folder}/in/not-this.docx").write_bytes(b"x")
    with pytest.raises(AirflowFailException, match=r"\*\.pdf") as failure:
        batch(folder, pattern="*.pdf").execute(context())
    assert isinstance(failure.value.__cause__, BatchEmpty)
    assert StoragePath(f"{folder}/out.jsonl").read_bytes() == b"yesterday"
    assert names(folder) == ["in/not-this.docx", "out.jsonl"]


def test_one_document(service, folder):
    document = f"{folder}/in/{NAMES[0]}"
    result = ClassifyOperator(
        task_id="t", document=document, categories=["letter", "invoice"], classify_conn_id="service", poll_interval=1
    ).execute(context())
    assert (result["classification"], result["document"]) == ("letter", document)


def test_a_missing_bucket_of_an_output_fails_before_anything_is_submitted(service, object_store, tmp_path):
    folder = object_store.folder()
    write_letters(tmp_path)
    object_store.put(f"{folder}/in", tmp_path)
    before = len(service.jobs())
    output = object_store.root.replace("documents", "documnets") + "/out.jsonl"
    with pytest.raises(AirflowFailException, match="documnets") as failure:
        batch(folder, output=output).execute(context())
    assert isinstance(failure.value.__cause__, StorageNotFound)
    scheme = object_store.root.partition("://")[0]
    for arguments in (
        {"output": f"{scheme}://absent@documents/out.jsonl"},
        {"documents": f"{scheme}://absent@documents/in"},
    ):
        with pytest.raises(AirflowFailException, match="'absent'") as failure:
            batch(folder, **arguments).execute(context())
        assert isinstance(failure.value.__cause__, ConnectionNotUsable)
    assert len(service.jobs()) == before
    assert object_store.buckets() == {"documents"}


def test_no_permission_to_write_the_record_fails_before_anything_is_submitted(service, object_store, folder_of_letters):
    before = len(service.jobs())
    with rejected_credentials(object_store) as root:
        output = f"{root}/out.jsonl"
        with pytest.raises(AirflowFailException, match="storage_re") as failure:
            batch(folder_of_letters, documents=str(folder_of_letters), output=output).execute(context())
    assert isinstance(failure.value.__cause__, StorageForbidden)
    assert len(service.jobs()) == before


KILLED = """
import json, sys, time
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.context import context
task = context()
task["ti"].run_id = sys.argv[2]
ClassifyBatchOperator(
    task_id="t", documents=f"{sys.argv[1]}/in", output=f"{sys.argv[1]}/out.jsonl", categories=["letter", "invoice"],
    classify_conn_id="service", poll_interval=1,
).execute(task)
"""


def test_a_try_that_was_killed_is_gone_on_with_and_nothing_is_submitted_twice(service, storage, folder, tmp_path):
    if storage.kind == "memory":
        pytest.skip("the memory of this process is no other's")
    task = context()
    address = TaskAddress.of(task["ti"])
    before = len(service.jobs())
    with service.frozen_engine():
        command = [sys.executable, "-c", KILLED, folder, task["ti"].run_id]
        process = subprocess.Popen(
            command, env=os.environ | {"PYTEST_CURRENT_TEST": "x"}, cwd=Path(__file__).parents[2]
        )
        try:
            wait_until(lambda: len(BatchRecord.load(f"{folder}/out.jsonl.parts", address).state.job_ids()) == 4, 120)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    assert len(service.jobs()) == before + 4
    manifest = batch(folder).execute(task)
    assert manifest["classified"] == 4
    assert len(service.jobs()) == before + 4
    assert json.dumps(names(folder)) == json.dumps([*(f"in/{name}" for name in NAMES), "out.jsonl"])
