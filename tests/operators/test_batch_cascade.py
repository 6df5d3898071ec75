"""A batch with two connections, each a real service whose answers stand in a table."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    BatchFailed,
    DocumentCorrupt,
    DocumentNeedsOcr,
    DocumentTookTooLong,
    JobTimedOut,
)
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.results import read_results
from tests.support.context import context, with_task
from tests.support.sharded import Tasks
from tests.support.table_api import connect_to, table_api
from tests.support.waiting import wait_until

#: The answers of the first connection, and of the second where it is asked.
FIRST = {
    "sure": ("letter", 0.97),
    "blank": (None, 0.0),
    "doubtful": ("letter", 0.85),
    "unsure": ("letter", 0.4),
    "slow": DocumentTookTooLong("It took too long."),
    "damaged": DocumentCorrupt("It is damaged."),
}
SECOND = {
    "doubtful": ("invoice", 0.99),
    "unsure": DocumentNeedsOcr("It is an image."),
    "slow": ("invoice", 0.5),
}
#: What the first connection gets in two tries: a failed document is classified again.
WITH_RETRY = sorted([*FIRST, "damaged"])
ANSWERED_BY = {"sure": "first", "blank": "first", "doubtful": "second", "unsure": "first", "slow": "second"}


def content(name):
    return f"Dear Mrs. {name}".encode()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in FIRST:
        (folder / f"{name}.txt").write_bytes(content(name))
    return folder


@pytest.fixture
def apis(tmp_path, monkeypatch):
    with (
        table_api(tmp_path / "first", {content(name): answer for name, answer in FIRST.items()}) as first,
        table_api(tmp_path / "second", {content(name): answer for name, answer in SECOND.items()}) as second,
    ):
        connect_to(monkeypatch, "first", first)
        connect_to(monkeypatch, "second", second)
        yield first, second
        for api in (first, second):
            api.classifier.gate.set()


def batch(folder, **arguments):
    arguments = {
        "output": f"{folder}.jsonl",
        "escalate_to": "second",
        "escalate_below": 0.9,
        "max_failed": 1,
        "poll_interval": 1,
        **arguments,
    }
    return ClassifyBatchOperator(
        task_id="t",
        documents=str(folder),
        categories=["letter", "invoice"],
        classify_conn_id="first",
        **arguments,
    )


def rows(folder):
    lines = map(json.loads, Path(f"{folder}.jsonl").read_text().splitlines())
    return {Path(row["document"]).stem: row for row in lines}


def sent_to(api):
    """Return the names of the documents that an API has classified, once for each time."""
    return sorted(content.decode().rpartition(" ")[2] for _, content in api.classifier.seen)


def fired(trigger):
    async def run():
        return [event.payload async for event in trigger.run()]

    [payload] = asyncio.run(run())
    return payload


def check(folder, manifest):
    found = rows(folder)
    assert {name: row["answered_by"] for name, row in found.items() if "error" not in row} == ANSWERED_BY
    assert {name for name, row in found.items() if "first_answer" in row} == {"doubtful", "unsure", "slow"}
    assert (found["doubtful"]["classification"], found["slow"]["classification"]) == ("invoice", "invoice")
    assert found["doubtful"]["first_answer"]["confidence"] == 0.85
    assert found["slow"]["first_answer"]["error_kind"] == "DocumentTookTooLong"
    assert (found["unsure"]["classification"], found["unsure"]["confidence"]) == ("letter", 0.4)
    assert "It is an image." in found["unsure"]["escalation_error"]
    assert found["damaged"]["error_kind"] == "DocumentCorrupt"
    counts = {"documents": 6, "classified": 5, "failed": 1, "blank": 1, "escalated": 3, "calls_saved": 2}
    assert {name: manifest[name] for name in counts} == counts
    assert manifest["answered_by"] == {"first": 3, "second": 2}


def test_the_rest_goes_on_to_the_second_connection(apis, folder):
    first, second = apis
    check(folder, batch(folder).execute(context()))
    assert sent_to(first) == sorted(FIRST)
    assert sent_to(second) == sorted(SECOND)
    assert not Path(f"{folder}.jsonl.parts").exists()


def test_without_a_cascade_nothing_says_who_answered(apis, folder):
    manifest = batch(folder, escalate_to=None, escalate_below=None, max_failed=2).execute(context())
    assert (manifest["escalated"], manifest["calls_saved"], manifest["answered_by"]) == (0, 0, {})
    assert not any("answered_by" in row for row in rows(folder).values())
    assert sent_to(apis[1]) == []


def deferred(method, *arguments, **kwargs):
    with pytest.raises(TaskDeferred) as raised:
        method(*arguments, **kwargs)
    return raised.value


def test_both_connections_are_waited_for_in_the_triggerer(apis, folder):
    first, second = apis
    task = context()
    first.classifier.gate.clear()
    at_first = deferred(batch(folder, deferrable=True).execute, task).trigger
    first.classifier.gate.set()
    event = fired(at_first)
    assert event == {"status": "ended", "jobs": 6, "ended": 6}
    second.classifier.gate.clear()
    at_second = deferred(batch(folder, deferrable=True).execute_complete, task, event).trigger
    second.classifier.gate.set()
    event = fired(at_second)
    assert [trigger.classify_conn_id for trigger in (at_first, at_second)] == ["first", "second"]
    assert event == {"status": "ended", "jobs": 3, "ended": 3, "escalated": True}
    check(folder, batch(folder, deferrable=True).execute_complete(task, event))
    assert (len(sent_to(first)), len(sent_to(second))) == (6, 3)


def test_a_retry_that_waits_at_both_connections_watches_each_job_where_it_is(apis, folder):
    """An earlier try was killed at the second connection, and the folder has a new document now."""
    first, second = apis
    task = context()
    second.classifier.gate.clear()
    event = fired(deferred(batch(folder, deferrable=True).execute, task).trigger)
    deferred(batch(folder, deferrable=True).execute_complete, task, event)
    (folder / "new.txt").write_bytes(content("new"))
    first.classifier.table = {**first.classifier.table, content("new"): ("letter", 0.99)}
    trigger = deferred(batch(folder, deferrable=True).execute, task).trigger
    event = fired(trigger)
    assert (trigger.classify_conn_id, event["jobs"]) == ("first", 2), "the new document, and the one that failed"
    trigger = deferred(batch(folder, deferrable=True).execute_complete, task, event).trigger
    second.classifier.gate.set()
    event = fired(trigger)
    assert (trigger.classify_conn_id, event["jobs"]) == ("second", 3)
    assert batch(folder).execute_complete(task, event)["classified"] == 6
    assert len(sent_to(second)) == 3


def test_without_an_output_another_machine_goes_on(apis, folder, tmp_path, monkeypatch):
    first, second = apis
    task = context()

    def on_machine(name):
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / name))
        return batch(folder, output=None, deferrable=True)

    at_first = deferred(on_machine("a").execute, task)
    packed = json.loads(json.dumps(at_first.kwargs))
    at_second = deferred(on_machine("b").execute_complete, task, fired(at_first.trigger), **packed)
    packed = json.loads(json.dumps(at_second.kwargs))
    found = on_machine("c").execute_complete(task, fired(at_second.trigger), **packed)
    by_name = {Path(row["document"]).stem: row for row in found}
    assert {name: row["answered_by"] for name, row in by_name.items() if "error" not in row} == ANSWERED_BY
    assert by_name["slow"]["first_answer"]["error_kind"] == "DocumentTookTooLong"
    assert "page_results" not in by_name["unsure"]
    assert (len(sent_to(first)), len(sent_to(second))) == (6, 3)


KILLED = """
import sys
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.context import context
task = context()
task["ti"].run_id = sys.argv[2]
ClassifyBatchOperator(
    task_id="t", documents=sys.argv[1], output=f"{sys.argv[1]}.jsonl", categories=["letter", "invoice"], max_failed=1,
    classify_conn_id="first", escalate_to="second", escalate_below=0.9, poll_interval=1,
).execute(task)
"""


def test_a_try_that_was_killed_at_the_second_connection_is_gone_on_with(apis, folder):
    first, second = apis
    task = context()
    second.classifier.gate.clear()

    def escalated():
        record = BatchRecord.load(f"{folder}.jsonl.parts", TaskAddress.of(task["ti"]))
        return record.state.job_ids(escalated=True)

    command = [sys.executable, "-c", KILLED, str(folder), task["ti"].run_id]
    environment = os.environ | {"PYTEST_CURRENT_TEST": "x"}
    process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2])
    try:
        wait_until(lambda: len(escalated()) == 3)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    second.classifier.gate.set()
    check(folder, batch(folder).execute(task))
    assert (sent_to(first), sent_to(second)) == (WITH_RETRY, sorted(SECOND))


def test_a_try_that_could_not_reach_the_second_connection_leaves_the_documents_waiting_for_it(
    apis, folder, monkeypatch, tmp_path
):
    first, second = apis
    task = context()
    with table_api(tmp_path / "other", {}, api_key="key") as other:
        connect_to(monkeypatch, "second", other)
        with pytest.raises(AirflowFailException) as failure:
            batch(folder).execute(task)
    assert isinstance(failure.value.__cause__, AuthenticationRejected)
    record = BatchRecord.load(f"{folder}.jsonl.parts", TaskAddress.of(task["ti"]))
    waiting = {Path(item.document).stem for item in record.plan.read_items() if record.state.is_escalated(item)}
    assert waiting == set(SECOND)
    connect_to(monkeypatch, "second", second)
    check(folder, batch(folder).execute(task))
    assert (sent_to(first), sent_to(second)) == (WITH_RETRY, sorted(SECOND))


def test_a_timeout_at_the_second_connection_is_waited_for_again(apis, folder):
    first, second = apis
    task = context()
    second.classifier.gate.clear()
    with pytest.raises(JobTimedOut, match="3 of 6 documents"):
        batch(folder, timeout=3).execute(task)
    second.classifier.gate.set()
    check(folder, batch(folder).execute(task))
    assert (sent_to(first), sent_to(second)) == (WITH_RETRY, sorted(SECOND))


def test_a_document_that_neither_could_classify_is_asked_about_again(apis, folder):
    first, second = apis
    second.classifier.table = {**second.classifier.table, content("slow"): DocumentNeedsOcr("It is an image.")}
    task = context()
    with pytest.raises(AirflowFailException, match="2 of 6 documents") as failure:
        batch(folder).execute(task)
    assert isinstance(failure.value.__cause__, BatchFailed)
    row = rows(folder)["slow"]
    assert (row["error_kind"], row["first_answer"]["error_kind"]) == ("DocumentNeedsOcr", "DocumentTookTooLong")
    second.classifier.table = {**second.classifier.table, content("slow"): SECOND["slow"]}
    check(folder, batch(folder).execute(task))
    assert sent_to(first) == sorted([*FIRST, "slow", "damaged"])
    assert sent_to(second) == sorted([*SECOND, "slow"])


def test_a_higher_threshold_asks_only_about_the_documents_between(apis, folder):
    """With the results of an earlier run, which the first connection does not give again."""
    first, second = apis
    batch(folder, escalate_below=0.5).execute(context())
    assert sent_to(second) == ["slow", "unsure"]
    another = context()
    another["ti"].run_id += "another"
    manifest = batch(folder, previous=f"{folder}.jsonl").execute(another)
    check(folder, manifest)
    assert sent_to(second) == sorted(SECOND)
    assert sent_to(first) == WITH_RETRY


class TestInShards:
    @pytest.fixture
    def tasks(self, apis, folder):
        def tasks(run="run", **arguments):
            cascade = {"classify_conn_id": "first", "escalate_to": "second", "escalate_below": 0.9}
            return Tasks(folder, run, shards=2, **cascade, **arguments)

        return tasks

    def test_each_shard_escalates_its_documents(self, apis, folder, tasks):
        first, second = apis
        group = tasks()
        plan = group.plan()
        manifests = group.shards(plan)
        assert [manifest["documents"] for manifest in manifests] == [3, 3]
        assert sum(manifest["escalated"] for manifest in manifests) == 3
        assert sum(manifest["calls_saved"] for manifest in manifests) == 2
        check(folder, group.merge(plan))
        assert sent_to(first) == sorted(FIRST)
        assert sent_to(second) == sorted(SECOND)

    def test_a_shard_that_is_cleared_asks_neither_connection_again(self, apis, folder, tasks):
        first, second = apis
        group = tasks()
        plan = group.plan()
        group.shards(plan)
        for index in range(len(plan)):
            group.shard(plan, index)
        check(folder, group.merge(plan))
        assert sent_to(second) == sorted(SECOND)
        assert sent_to(first) == WITH_RETRY, "only the failed document is classified again"

    def test_a_later_run_reuses_both_answers(self, apis, folder, tasks):
        first, second = apis
        group = tasks()
        plan = group.plan()
        group.shards(plan)
        group.merge(plan)
        Path(f"{folder}.jsonl").rename(f"{folder}-1.jsonl")
        later = tasks("later", previous=f"{folder}-1.jsonl")
        plan = later.plan()
        later.shards(plan)
        check(folder, later.merge(plan))
        assert sent_to(second) == sorted(SECOND)
        assert sent_to(first) == WITH_RETRY


def test_a_csv_file_keeps_which_documents_were_escalated(apis, folder):
    """A CSV file has no first answers. So it must have another mark, or a later batch asks, and pays, again."""
    first, second = apis
    counted = ("documents", "classified", "failed", "blank", "escalated", "calls_saved", "answered_by")
    one = batch(folder, output=f"{folder}.csv").execute(context())
    another = context()
    another["ti"].run_id += "another"
    two = batch(folder, output=f"{folder}-2.csv", previous=f"{folder}.csv").execute(another)
    assert (two["escalated"], two["calls_saved"], two["reused"]) == (3, 2, 5)
    assert {name: one[name] for name in counted} == {name: two[name] for name in counted}
    assert sent_to(second) == sorted(SECOND), "no document is escalated twice"
    assert sent_to(first) == WITH_RETRY
    found = {Path(row["document"]).stem: row for row in read_results(f"{folder}-2.csv")}
    assert {name for name, row in found.items() if row.get("escalated")} == {"doubtful", "unsure", "slow"}


def test_an_earlier_output_without_a_cascade_is_reused_by_one(apis, folder):
    first, second = apis
    batch(folder, escalate_to=None, escalate_below=None, max_failed=2).execute(context())
    another = context()
    another["ti"].run_id += "another"
    check(folder, batch(folder, previous=f"{folder}.jsonl").execute(another))
    assert sent_to(second) == sorted(SECOND)
    assert sent_to(first) == sorted([*FIRST, "damaged", "slow"])


def test_the_answers_of_another_second_connection_are_not_reused(apis, folder, monkeypatch):
    first, second = apis
    connect_to(monkeypatch, "another", second)
    batch(folder, escalate_to="another").execute(context())
    again = context()
    again["ti"].run_id += "again"
    check(folder, batch(folder, previous=f"{folder}.jsonl").execute(again))
    assert sent_to(first) == sorted([*FIRST, "damaged", "doubtful", "slow"])


class TestKill:
    """A user marks the task as failed while the second connection works."""

    def test_in_the_triggerer(self, apis, folder):
        second = apis[1]
        task = context()
        event = fired(deferred(batch(folder, deferrable=True).execute, task).trigger)
        second.classifier.gate.clear()
        trigger = deferred(batch(folder, deferrable=True).execute_complete, task, event).trigger
        asyncio.run(with_task(trigger, "failed").on_kill())
        wait_until(lambda: [job.error_kind for job in second.store.jobs()] == ["JobCancelled"] * 3)

    def test_on_the_worker(self, apis, folder):
        second = apis[1]
        second.classifier.gate.clear()
        task, operator = context(state="failed"), batch(folder, timeout=3)
        with pytest.raises(JobTimedOut):
            operator.execute(task)
        operator.on_kill()
        wait_until(lambda: [job.error_kind for job in second.store.jobs()] == ["JobCancelled"] * 3)
