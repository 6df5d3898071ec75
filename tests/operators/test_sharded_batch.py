from __future__ import annotations

import json
import shutil
from pathlib import Path

import batch_in_shards
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException, AirflowSkipException, Asset

from airflow_provider_classify.asset_events import arrived_documents
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.exceptions import (
    BatchEmpty,
    BatchFailed,
    BatchRecordLost,
    ClassifyError,
    InvalidCategories,
    InvalidDocument,
    InvalidOutput,
    InvalidShard,
    JobTimedOut,
    OutputInUse,
)
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.sharded_batch import classify_batch
from airflow_provider_classify.results import read_results
from tests.support.context import context
from tests.support.dags import run_dag
from tests.support.sharded import Tasks

LETTER = "Dear Mrs. Brown,\n\nthank you for your letter no. {} of 3 May.\n\nYours sincerely\nJohn Smith\n"


@pytest.fixture
def folder(service, tmp_path):
    """Return a folder with nine letters in subfolders, and a document that cannot be classified."""
    folder = tmp_path / "in"
    for number in range(9):
        path = folder / str(number % 3) / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LETTER.format(number))
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    return folder


def names(output):
    return [Path(row["document"]).name for row in read_results(output)]


@pytest.fixture(scope="module")
def run(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch") / "in"
    shutil.copytree(samples, folder)
    return run_dag(batch_in_shards.dag, folder=str(folder)), folder


def test_a_run_that_no_asset_event_started_has_no_arrived_documents(tmp_path):
    with DAG("arrivals", schedule=None) as dag:
        classify_batch(
            task_id="batch",
            documents=arrived_documents,
            categories=["letter"],
            output=str(tmp_path / "out.jsonl"),
            shards=2,
        )
    plan = dag.get_task("batch.plan")
    manual = context() | {"triggering_asset_events": {}}
    plan.render_template_fields(manual)
    with pytest.raises(AirflowFailException, match="This run was not started by an asset event"):
        plan.execute(manual)


class TestInADag:
    def test_each_document_is_in_one_shard_and_all_are_in_the_output(self, run):
        run, folder = run
        assert run.state == "success"
        documents = sorted(str(path) for path in folder.iterdir())
        shards = [run.xcom("batch.shard", index) for index in range(4)]
        assert sum(shard["documents"] for shard in shards) == len(documents)
        assert all(shard["documents"] for shard in shards)
        manifest = run.xcom("batch.merge")
        assert (manifest["documents"], manifest["failed"]) == (len(documents), 0)
        assert manifest["output"] == f"{folder}.jsonl"
        assert [row["document"] for row in read_results(manifest["output"])] == documents

    def test_nothing_but_the_output_is_left(self, run):
        _, folder = run
        assert sorted(path.name for path in folder.parent.iterdir()) == ["in", "in.jsonl"]

    def test_an_empty_folder_skips_all_tasks(self, tmp_path):
        (tmp_path / "in").mkdir()
        run = run_dag(batch_in_shards.dag, folder=str(tmp_path / "in"))
        assert set(run.task_states.values()) == {"skipped"}


class TestTheWholeBatch:
    def test_the_limit_of_failed_documents_holds_for_all_shards_together(self, folder):
        tasks = Tasks(folder, max_failed=0)
        plan = tasks.plan()
        assert sum(manifest["failed"] for manifest in tasks.shards(plan)) == 1
        with pytest.raises(AirflowFailException, match="1 of 10 documents") as failure:
            tasks.merge(plan)
        assert isinstance(failure.value.__cause__, BatchFailed)
        assert len(names(f"{folder}.jsonl")) == 10
        # After a clear of the group, a document that was classified is not classified again.
        (folder / "damaged.pdf").unlink()
        again = tasks.plan()
        assert sum(manifest["failed"] for manifest in tasks.shards(again)) == 0
        assert tasks.merge(again)["classified"] == 9
        assert sorted(path.name for path in folder.parent.iterdir()) == ["in", "in.jsonl"]

    def test_the_asset_events_are_those_of_the_whole_batch(self, folder):
        accessors = pytest.importorskip("airflow.sdk.execution_time.context", reason="the accessors of Airflow 3")
        by_category = {"letter": Asset("letters"), "invoice": Asset("invoices")}
        tasks = Tasks(folder, shards=2, outlet_by_category=by_category)
        plan = tasks.plan()
        tasks.shards(plan)
        events = accessors.OutletEventAccessors()
        tasks.merge(plan, outlet_events=events)
        [alias] = tasks.dag.get_task("batch.merge").outlets
        [event] = events[alias].asset_alias_events
        assert event.dest_asset_key.name == "letters"
        assert (event.extra["count"], event.extra["output"]) == (9, f"{folder}.jsonl")

    def test_a_list_keeps_its_order(self, folder):
        documents = [f"{folder}/{number % 3}/{number}.txt" for number in (4, 8, 1, 6, 0)]
        tasks = Tasks(folder, documents=documents, pattern="*")
        plan = tasks.plan()
        tasks.shards(plan)
        tasks.merge(plan)
        assert names(f"{folder}.jsonl") == ["4.txt", "8.txt", "1.txt", "6.txt", "0.txt"]

    def test_previous_holds_in_all_shards(self, folder):
        first = Tasks(folder)
        plan = first.plan()
        first.shards(plan)
        first.merge(plan)
        second = Tasks(folder, run="another", shards=2, output=f"{folder}2.jsonl", previous=f"{folder}.jsonl")
        plan = second.plan()
        second.shards(plan)
        manifest = second.merge(plan)
        assert (manifest["documents"], manifest["reused"], manifest["failed"]) == (10, 9, 1)

    def test_a_csv_output_of_yesterday_is_reused(self, folder):
        first = Tasks(folder, output=f"{folder}.csv")
        plan = first.plan()
        first.shards(plan)
        first.merge(plan)
        second = Tasks(folder, run="another", output=f"{folder}2.csv", previous=f"{folder}.csv")
        plan = second.plan()
        second.shards(plan)
        assert second.merge(plan)["reused"] == 9
        assert names(f"{folder}.csv") == names(f"{folder}2.csv")

    def test_a_document_that_appears_after_the_plan_is_in_one_shard(self, folder):
        tasks = Tasks(folder)
        plan = tasks.plan()
        tasks.shard(plan, 0)
        (folder / "late.txt").write_text(LETTER.format("late"))
        tasks.shards(plan)
        tasks.merge(plan)
        assert names(f"{folder}.jsonl").count("late.txt") == 1
        assert len(names(f"{folder}.jsonl")) == 11

    @pytest.mark.parametrize(("on_unreadable", "counts", "rows"), [("result", (0, 1, 0), 10), ("skip", (0, 0, 1), 9)])
    def test_a_document_that_cannot_be_read_counts_as_in_one_task(self, folder, on_unreadable, counts, rows):
        tasks = Tasks(folder, shards=2, max_failed=0, on_unreadable=on_unreadable)
        plan = tasks.plan()
        tasks.shards(plan)
        manifest = tasks.merge(plan)
        assert (manifest["failed"], manifest["unreadable"], manifest["skipped"]) == counts
        assert (manifest["documents"], manifest["classified"]) == (10, 9)
        assert len(names(f"{folder}.jsonl")) == rows

    @pytest.mark.parametrize(("on_empty", "error"), [("fail", AirflowFailException), ("skip", AirflowSkipException)])
    def test_without_documents(self, folder, on_empty, error):
        tasks = Tasks(folder, pattern="*.docx", on_empty=on_empty)
        with pytest.raises(error, match="docx") as failure:
            tasks.plan()
        assert isinstance(failure.value.__cause__, BatchEmpty)
        assert [path.name for path in folder.parent.iterdir()] == ["in"]

    def test_an_empty_batch_that_succeeds_has_an_output_without_rows(self, folder):
        tasks = Tasks(folder, pattern="*.docx", on_empty="succeed")
        plan = tasks.plan()
        assert len(tasks.shards(plan)) == 1
        assert tasks.merge(plan)["documents"] == 0
        assert names(f"{folder}.jsonl") == []


class TestResuming:
    def test_a_shard_that_did_not_end_continues_alone(self, service, folder):
        tasks = Tasks(folder)
        plan = tasks.plan()
        tasks.shard(plan, 0)
        other = Path(plan[0]["output"]).stat().st_mtime_ns
        before = len(service.jobs())
        with service.frozen_engine(), pytest.raises(JobTimedOut):
            tasks.shard(plan, 1, timeout=2)
        submitted = len(service.jobs())
        assert submitted > before
        manifest = tasks.shard(plan, 1)
        assert len(service.jobs()) == submitted == before + manifest["documents"]
        tasks.shard(plan, 2)
        assert Path(plan[0]["output"]).stat().st_mtime_ns == other
        assert tasks.merge(plan)["documents"] == 10

    def test_a_cleared_shard_submits_only_what_failed(self, service, folder):
        tasks = Tasks(folder, shards=1)
        plan = tasks.plan()
        first = tasks.shard(plan, 0)
        before = len(service.jobs())
        for clears in (1, 2):
            assert tasks.shard(plan, 0)["classified"] == first["classified"] == 9
            assert len(service.jobs()) == before + clears

    def test_a_merge_without_the_shards_says_what_to_clear(self, folder):
        tasks = Tasks(folder)
        plan = tasks.plan()
        tasks.shard(plan, 0)
        with pytest.raises(AirflowFailException, match=r"clear the task batch\.merge") as failure:
            tasks.merge(plan)
        assert isinstance(failure.value.__cause__, BatchRecordLost)
        assert not Path(f"{folder}.jsonl").exists()

    def test_a_merge_that_was_killed_while_it_deleted_the_record(self, folder, monkeypatch):
        tasks = Tasks(folder)
        plan = tasks.plan()
        tasks.shards(plan)
        with monkeypatch.context() as patch:
            patch.setattr(BatchRecord, "remove", lambda record: shutil.rmtree(record.parts_folder) or 1 / 0)
            with pytest.raises(ZeroDivisionError):
                tasks.merge(plan)
        assert tasks.merge(plan)["documents"] == 10
        assert sorted(path.name for path in folder.parent.iterdir()) == ["in", "in.jsonl"]

    def test_another_run_cannot_use_the_output_meanwhile(self, folder):
        plan = Tasks(folder).plan()
        assert plan
        with pytest.raises(AirflowFailException, match=r"batch\.merge") as failure:
            Tasks(folder, run="another").plan()
        assert isinstance(failure.value.__cause__, OutputInUse)


#: The errors of Airflow 3 and of Airflow 2.
UNKNOWN_ARGUMENT = (TypeError, AirflowException)


class TestArguments:
    @pytest.mark.parametrize(
        ("wrong", "error", "says"),
        [
            ({"shards": 0}, ValueError, "shards"),
            ({"shards": 2.0}, ValueError, "shards"),
            ({"output": None}, ValueError, "output"),
            ({"output": "out.xlsx"}, InvalidOutput, "xlsx"),
            ({"categories": []}, InvalidCategories, "categories"),
            ({"documents": None}, InvalidDocument, "None"),
            ({"outlet_by_category": {"b": Asset("b")}}, InvalidCategories, "'b'"),
            ({"on_unreadable": "ignore"}, ValueError, "on_unreadable"),
            ({"on_empty": "ignore"}, ValueError, "on_empty"),
            ({"max_failed": 1, "max_failed_share": 0.1}, ValueError, "max_failed_share"),
            ({"previous": "out.csv"}, InvalidOutput, "csv"),
            ({"poll_intervall": 3}, UNKNOWN_ARGUMENT, "poll_intervall"),
        ],
    )
    def test_are_checked_when_the_dag_is_parsed(self, wrong, error, says):
        arguments = {"documents": "in", "output": "out.jsonl", "categories": ["a"], "shards": 2, **wrong}
        with DAG("dag"), pytest.raises(error, match=says) as raised:
            classify_batch(task_id="the_batch", **arguments)
        assert "the_batch" in str(raised.value) or error is UNKNOWN_ARGUMENT

    def test_each_task_gets_its_share_of_an_operators_arguments(self):
        with DAG("dag") as dag:
            classify_batch(
                task_id="batch",
                documents="in",
                categories=["a"],
                output="out.jsonl",
                shards=2,
                retries=7,
                queue="large",
                trigger_rule="none_failed",
                deferrable=True,
                poll_interval=2,
            )
        plan, shard, merge = (dag.get_task(f"batch.{name}") for name in ("plan", "shard", "merge"))
        assert {task.retries for task in (plan, shard, merge)} == {7}
        assert {task.queue for task in (plan, shard, merge)} == {"large"}
        assert [task.trigger_rule for task in (plan, shard, merge)] == ["none_failed", "all_success", "all_success"]
        assert (shard.partial_kwargs["deferrable"], shard.partial_kwargs["poll_interval"]) == (True, 2)

    def test_only_the_last_task_has_outlets(self):
        with DAG("dag") as dag:
            classify_batch(
                task_id="batch",
                documents="in",
                categories=["letter"],
                output="out.jsonl",
                shards=2,
                outlets=[Asset("classified")],
                outlet_by_category={"letter": Asset("letters")},
            )
        plan, shard, merge = (dag.get_task(f"batch.{name}") for name in ("plan", "shard", "merge"))
        assert [len(task.outlets) for task in (plan, merge)] == [0, 2]
        assert not shard.partial_kwargs.get("outlets")
        assert "outlet_by_category" not in shard.partial_kwargs

    def test_in_a_group(self):
        from airflow.providers.common.compat.sdk import TaskGroup

        with DAG("dag") as dag, TaskGroup("outer"):
            batch = classify_batch(task_id="batch", documents="in", categories=["a"], output="o.jsonl", shards=2)
        assert dag.get_task("outer.batch.plan").merge_task_id == "outer.batch.merge"
        assert batch.output.operator.task_id == "outer.batch.merge"

    @pytest.mark.parametrize("shard", [{"start": 1, "end": ""}, {"start": ""}, "first"])
    def test_a_shard_that_no_plan_made(self, folder, shard):
        operator = ClassifyBatchOperator(
            task_id="t", documents=str(folder), categories=["a"], classify_conn_id="service", shard=shard
        )
        with pytest.raises(AirflowFailException) as failure:
            operator.execute(context())
        assert isinstance(failure.value.__cause__, InvalidShard)


def test_a_plan_is_small_and_can_be_stored(folder):
    assert issubclass(InvalidShard, ClassifyError)
    for number in range(300):
        (folder / f"{number}.txt").write_text(LETTER.format(number))
    plan = Tasks(folder, shards=4).plan()
    assert len(json.dumps(plan)) < 2000
