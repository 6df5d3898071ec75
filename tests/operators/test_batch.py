"""The batch operator, in real runs of a DAG against the real service and the local engine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_classify.asset_events import arrived_documents
from airflow_provider_classify.exceptions import BatchEmpty, DocumentNotFound
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.results import read_results
from tests.dags import batch_cases
from tests.support.batches import EXPECTED, batch, lines, submitted_to
from tests.support.context import context
from tests.support.dags import run_dag

pytestmark = pytest.mark.usefixtures("local_engine")


@pytest.fixture(scope="module", params=["service", "local_engine"])
def run(request, service, folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("output")
    run = run_dag(batch_cases.dag, connection=request.param, folder=str(folder), output=str(output))
    return run, output


class TestInADag:
    @pytest.mark.parametrize("task_id", ["waiting", "deferring", "sharded"])
    def test_the_output_has_a_line_for_each_document(self, run, task_id):
        run, output = run
        assert run.task_states["sharded.merge" if task_id == "sharded" else task_id, -1] == "success"
        found = lines(output / f"{task_id}.jsonl")
        assert {name: line["classification"] for name, line in found.items() if "error" not in line} == EXPECTED
        assert found["damaged.pdf"]["error_kind"] == "DocumentCorrupt"
        assert "damaged.pdf" in found["damaged.pdf"]["error"]

    def test_xcom_has_a_manifest(self, run, folder):
        run, output = run
        manifest = run.xcom("waiting")
        assert manifest.pop("categories") == dict.fromkeys(manifest.pop("categories", EXPECTED.values()), 1)
        [failure] = manifest.pop("failures")
        assert failure["document"] == f"{folder}/damaged.pdf"
        assert manifest == {
            "documents": 5,
            "classified": 4,
            "failed": 1,
            "unreadable": 0,
            "skipped": 0,
            "reused": 0,
            "blank": 0,
            "escalated": 0,
            "calls_saved": 0,
            "answered_by": {},
            "output": f"{output}/waiting.jsonl",
        }

    def test_the_manifest_of_a_batch_in_shards_is_the_same(self, run):
        run, output = run
        expected = {**run.xcom("waiting"), "output": f"{output}/sharded.jsonl"}
        found = run.xcom("sharded.merge")
        for manifest in (found, expected):
            for failure in manifest["failures"]:
                failure.pop("error")  # it can name the job
        assert found == expected

    def test_without_an_output_the_results_are_in_xcom(self, run):
        run, _ = run
        results = {line["document"].rpartition("/")[2]: line for line in run.xcom("without_output")}
        assert {name: line.get("classification") for name, line in results.items()} == {**EXPECTED, "damaged.pdf": None}
        assert all("page_results" not in line for line in results.values())

    def test_unchanged_documents_are_taken_over(self, run):
        run, output = run
        assert run.xcom("again")["reused"] == 4
        assert lines(output / "again.jsonl")["invoice.pdf"]["classification"] == "invoice"

    def test_more_failures_than_allowed_fail_the_task_and_the_output_is_there(self, run):
        run, output = run
        assert run.task_states["strict", -1] == "failed"
        assert set(lines(output / "strict.jsonl")) == {*EXPECTED, "damaged.pdf"}

    def test_a_record_is_left_only_where_the_task_did_not_succeed(self, run):
        _, output = run
        assert [path.name for path in output.iterdir() if path.is_dir()] == ["strict.jsonl.parts"]


class TestOutput:
    def test_a_batch_without_documents_leaves_an_earlier_output_as_it_was(self, service, tmp_path):
        (tmp_path / "documents").mkdir()
        (tmp_path / "out.jsonl").write_text("yesterday")
        for documents in (str(tmp_path / "documents"), []):
            with pytest.raises(AirflowFailException) as failure:
                batch(documents, tmp_path).execute(context())
            assert isinstance(failure.value.__cause__, BatchEmpty)
            assert (tmp_path / "out.jsonl").read_text() == "yesterday"

    def test_a_batch_without_documents_can_be_skipped(self, service, tmp_path):
        (tmp_path / "documents").mkdir()
        (tmp_path / "out.jsonl").write_text("yesterday")
        for documents in (tmp_path / "documents", []):
            with pytest.raises(AirflowSkipException, match="check the"):
                batch(documents, tmp_path, on_empty="skip").execute(context())
        assert (tmp_path / "out.jsonl").read_text() == "yesterday"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["documents", "out.jsonl"]

    @pytest.mark.parametrize(
        ("on_empty", "error"), [("fail", AirflowFailException), ("skip", AirflowSkipException), ("succeed", None)]
    )
    def test_a_run_that_no_asset_event_started_has_no_arrived_documents(self, on_empty, error):
        operator = ClassifyBatchOperator(
            task_id="t", documents=arrived_documents, categories=["letter"], classify_conn_id="local_engine",
            on_empty=on_empty,
        )  # fmt: skip
        manual = context() | {"triggering_asset_events": {}}
        operator.render_template_fields(manual)
        if error is None:
            assert operator.execute(manual) == []
        else:
            with pytest.raises(error, match="This run was not started by an asset event"):
                operator.execute(manual)

    @pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
    @pytest.mark.parametrize("connection", ["service", "local_engine"])
    def test_a_batch_without_documents_can_succeed(self, service, folder, tmp_path, ending, connection):
        output = tmp_path / f"out.{ending}"
        output.write_text("yesterday")
        operator = batch(folder, tmp_path, connection, pattern="*.docx", output=str(output), on_empty="succeed")
        manifest = operator.execute(context())
        assert (manifest["documents"], manifest["categories"]) == (0, {})
        assert list(read_results(output)) == []
        assert [path.name for path in tmp_path.iterdir()] == [output.name]

    def test_a_batch_without_documents_and_output_has_no_results(self, service):
        operator = batch([], Path(), output=None, on_empty="succeed", deferrable=True)
        assert operator.execute(context()) == []

    def test_a_folder_that_is_not_there(self, service, tmp_path):
        with pytest.raises(AirflowFailException, match="nowhere") as failure:
            batch(tmp_path / "nowhere", tmp_path, on_empty="succeed").execute(context())
        assert isinstance(failure.value.__cause__, DocumentNotFound)
        assert list(tmp_path.iterdir()) == []

    def test_a_truncated_previous_output_is_used_as_far_as_it_goes(self, service, folder, tmp_path):
        batch(folder, tmp_path).execute(context())
        first = (tmp_path / "out.jsonl").read_bytes()
        (tmp_path / "previous.jsonl").write_bytes(first[:-10])
        before, another = submitted_to(service), context()
        another["ti"].dag_id = "another_dag"  # with keys of its own
        manifest = batch(folder, tmp_path, previous=str(tmp_path / "previous.jsonl")).execute(another)
        assert (manifest["documents"], manifest["reused"]) == (5, 3)
        assert submitted_to(service) == before + 2

    def test_a_name_that_is_not_utf_8_does_not_end_the_batch(self, service, folder, tmp_path):
        documents = tmp_path / "documents"
        shutil.copytree(folder, documents)
        shutil.copy(folder / "letter.pdf", os.fsdecode(os.fsencode(documents) + b"/caf\xe9.pdf"))
        for connection in ("service", "local_engine"):
            batch(documents, tmp_path, connection, max_failed=2).execute(context())
            found = lines(tmp_path / "out.jsonl")
            assert set(found) == {*EXPECTED, "damaged.pdf", "caf\\udce9.pdf"}
            assert {name: found[name]["classification"] for name in EXPECTED} == EXPECTED


def test_a_csv_output_is_reused_for_the_next(service, folder, tmp_path):
    first = batch(folder, tmp_path, "local_engine", output=str(tmp_path / "one.csv")).execute(context())
    other = context()
    other["ti"].run_id = "another run"
    operator = batch(
        folder, tmp_path, "local_engine", output=str(tmp_path / "two.csv"), previous=str(tmp_path / "one.csv")
    )
    second = operator.execute(other)
    assert (first["reused"], second["reused"]) == (0, 4)
    assert second["categories"] == first["categories"]
    one, two = (list(read_results(tmp_path / f"{name}.csv")) for name in ("one", "two"))
    assert [{**row, "reused": True} for row in one if "error" not in row] == [row for row in two if "error" not in row]


def test_parquet(service, folder, tmp_path):
    from pyarrow import parquet

    output = str(tmp_path / "out.parquet")
    manifest = batch(folder, tmp_path, "local_engine", output=output).execute(context())
    assert manifest["classified"] == 4
    table = parquet.read_table(output).to_pylist()
    assert {row["document"].rpartition("/")[2]: row["classification"] for row in table} == {
        **EXPECTED,
        "damaged.pdf": None,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
