"""The batch operator, in real runs of a DAG against the real service and the local engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException, TaskDeferred
from samples import draw_samples

from airflow_provider_classify.asset_events import arrived_documents
from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    BatchEmpty,
    BatchFailed,
    BatchIncomplete,
    DocumentNotFound,
    ExtraNotInstalled,
    InvalidCategories,
    InvalidDocument,
    InvalidOutput,
    JobTimedOut,
    OutputInUse,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.results import read_results
from tests.dags import batch_cases
from tests.support.context import context
from tests.support.dags import run_dag

EXPECTED = {"contract.pdf": "contract", "invoice.pdf": "invoice", "letter.pdf": "letter", "resume.pdf": "resume"}


@pytest.fixture(scope="module", autouse=True)
def _local_engine():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_LOCAL_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four documents that can be classified and one that cannot."""
    folder = tmp_path_factory.mktemp("documents")
    draw_samples(folder)
    for path in folder.iterdir():
        if path.name not in EXPECTED:
            path.unlink()
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    return folder


@pytest.fixture(scope="module", params=["service", "local_engine"])
def run(request, service, folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("output")
    run = run_dag(batch_cases.dag, connection=request.param, folder=str(folder), output=str(output))
    return run, output


def lines(path):
    return {line["document"].rpartition("/")[2]: line for line in map(json.loads, path.read_text().splitlines())}


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


def batch(documents, tmp_path, connection="service", **arguments):
    arguments = {"output": str(tmp_path / "out.jsonl"), "max_failed": 1, "poll_interval": 1, **arguments}
    return ClassifyBatchOperator(
        task_id="t",
        documents=documents if isinstance(documents, list) else str(documents),
        categories=[*EXPECTED.values()],
        classify_conn_id=connection,
        **arguments,
    )


def submitted_to(service):
    return len(service.jobs())


class TestResuming:
    def test_a_try_that_timed_out_is_gone_on_with_and_nothing_is_submitted_twice(self, service, folder, tmp_path):
        before = submitted_to(service)
        with service.frozen_engine(), pytest.raises(JobTimedOut, match="of 5 documents"):
            batch(folder, tmp_path, timeout=2).execute(context())
        assert submitted_to(service) == before + 5
        manifest = batch(folder, tmp_path).execute(context())
        assert (manifest["classified"], manifest["failed"]) == (4, 1)
        assert submitted_to(service) == before + 5

    def test_what_is_classified_is_kept_and_what_failed_is_asked_again(self, service, folder, tmp_path):
        with pytest.raises(AirflowFailException, match="1 of 5 documents") as failure:
            batch(folder, tmp_path, max_failed=0).execute(context())
        assert isinstance(failure.value.__cause__, BatchFailed)
        before = submitted_to(service)
        with pytest.raises(AirflowFailException):
            batch(folder, tmp_path, max_failed=0).execute(context())
        assert submitted_to(service) == before + 1

    def test_a_wrong_key_ends_it_at_once(self, service, folder, tmp_path):
        with pytest.raises(AirflowFailException) as failure:
            batch(folder, tmp_path, "wrong_key").execute(context())
        assert isinstance(failure.value.__cause__, AuthenticationRejected)

    def test_without_an_output_another_machine_goes_on(self, service, folder, tmp_path, monkeypatch):
        before = submitted_to(service)
        with service.frozen_engine():
            monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "machine"))
            (tmp_path / "documents").mkdir()
            documents = [shutil.copy(path, tmp_path / "documents") for path in folder.iterdir()]
            missing = tmp_path / "documents" / "missing.pdf"
            operator = batch([*documents, str(missing)], tmp_path, output=None, deferrable=True, max_failed=2)
            with pytest.raises(TaskDeferred) as deferred:
                operator.execute(context())
        for job_id in deferred.value.trigger.job_ids:
            ClassifyHook("service").fetch(job_id)
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "another"))
        kwargs = json.loads(json.dumps(deferred.value.kwargs))
        found = operator.execute_complete(context(), {"status": "ended"}, **kwargs)
        kinds = {line["document"].rpartition("/")[2]: line.get("classification") for line in found}
        assert kinds == {**EXPECTED, "damaged.pdf": None, "missing.pdf": None}
        assert submitted_to(service) == before + 5

    def test_a_record_that_the_resumed_task_cannot_reach_says_so(self, service, folder):
        operator = batch(folder, folder, output=None)
        with pytest.raises(AirflowFailException, match="give the task an output"):
            operator.execute_complete(context(), {"status": "ended"})


class Killed(BaseException):
    """Raised by the handler of a signal, as Airflow ends a task."""


@pytest.mark.parametrize(("state", "error_kinds"), [("failed", {"JobCancelled"}), ("running", {None})])
def test_a_kill_cancels_the_jobs_if_the_task_has_ended(service, folder, tmp_path, state, error_kinds):
    ClassifyHook("service").fetch(ClassifyHook("service").submit(f"{folder}/letter.pdf", ["letter"]).job_id)
    operator, task = batch(folder, tmp_path), context(state=state)

    def kill(*_):
        operator.on_kill()
        raise Killed

    before = signal.signal(signal.SIGALRM, kill)
    try:
        with service.frozen_engine():
            signal.setitimer(signal.ITIMER_REAL, 3)
            with pytest.raises(Killed):
                operator.execute(task)
            job_ids = BatchRecord.load(f"{tmp_path}/out.jsonl.parts", TaskAddress.of(task["ti"])).state.job_ids()
            assert len(job_ids) == 5
            assert {operator.hook.get(job_id).error_kind for job_id in job_ids} == error_kinds
    finally:
        signal.signal(signal.SIGALRM, before)


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

    def test_a_second_task_with_the_same_output_is_refused_while_the_first_goes_on(self, service, folder, tmp_path):
        ClassifyHook("service").fetch(ClassifyHook("service").submit(f"{folder}/letter.pdf", ["letter"]).job_id)
        first, its_context = batch(folder, tmp_path, timeout=2), context()
        its_context["ti"].dag_id = "first_dag"
        with service.frozen_engine(), pytest.raises(JobTimedOut):
            first.execute(its_context)
        before = submitted_to(service)
        with pytest.raises(AirflowFailException, match="first_dag") as failure:
            batch(folder, tmp_path).execute(context())
        assert isinstance(failure.value.__cause__, OutputInUse)
        assert submitted_to(service) == before
        assert batch(folder, tmp_path).execute(its_context)["documents"] == 5
        assert batch(folder, tmp_path).execute(context())["documents"] == 5

    def test_a_batch_whose_record_lost_a_document_does_not_end_well(self, service, folder, tmp_path):
        operator, task = batch(folder, tmp_path, deferrable=True), context()
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute(task)
        for job_id in BatchRecord.load(f"{tmp_path}/out.jsonl.parts", TaskAddress.of(task["ti"])).state.job_ids():
            ClassifyHook("service").fetch(job_id)
        [part] = (tmp_path / "out.jsonl.parts").glob("*/*.jsonl")
        part.write_bytes(part.read_bytes()[:-10])  # the disk was full
        with pytest.raises(BatchIncomplete, match="1 of 5 documents"):
            operator.execute_complete(task, {"status": "ended"}, **(deferred.value.kwargs or {}))
        assert not (tmp_path / "out.jsonl").exists()
        manifest = batch(folder, tmp_path).execute(task)
        assert (manifest["documents"], manifest["classified"]) == (5, 4)

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


class TestArguments:
    def test_too_many_for_xcom(self, service):
        documents = [f"{number}.pdf" for number in range(1001)]
        operator = ClassifyBatchOperator(
            task_id="t", documents=documents, categories=["a"], classify_conn_id="service", deferrable=False
        )
        with pytest.raises(AirflowFailException, match="too many for XCom") as failure:
            operator.execute(context())
        assert isinstance(failure.value.__cause__, InvalidOutput)

    @pytest.mark.parametrize(
        ("wrong", "error", "says"),
        [
            ({"output": "out.xlsx"}, InvalidOutput, "xlsx"),
            ({"output": "{{ ds }}.xlsx"}, InvalidOutput, "xlsx"),
            ({"output": "{{ params.folder }}/out"}, InvalidOutput, "out"),
            ({"output": "https://example.com/out.jsonl"}, InvalidOutput, "http"),
            ({"output": ""}, InvalidOutput, "output"),
            ({"output": 3}, InvalidOutput, "output"),
            ({"output": ["out.jsonl"]}, InvalidOutput, "output"),
            ({"previous": "yesterday.txt"}, InvalidOutput, "yesterday"),
            ({"previous": {"output": "x"}}, InvalidOutput, "previous"),
            ({"previous": "yesterday.csv", "output": None}, InvalidOutput, "yesterday"),
            ({"previous": "yesterday.csv", "output": "out.jsonl"}, InvalidOutput, "yesterday"),
            ({"on_empty": "ignore"}, ValueError, "on_empty"),
            ({"on_empty": None}, ValueError, "on_empty"),
            ({"documents": ["a.pdf"], "pattern": "*.pdf"}, ValueError, "pattern"),
            ({"pattern": 3}, ValueError, "pattern"),
            ({"documents": None}, InvalidDocument, "None"),
            ({"documents": ["a.pdf", None]}, InvalidDocument, "None"),
            ({"documents": 3}, InvalidDocument, "type int; give a folder, or a list of documents"),
            ({"documents": " "}, InvalidDocument, "an empty text; give a folder, or a list of documents"),
            ({"documents": {"a.pdf": 1}}, InvalidDocument, "type dict; give a folder, or a list of documents"),
            ({"max_failed": "3"}, ValueError, "max_failed"),
        ],
    )
    def test_are_checked_when_the_dag_is_parsed(self, wrong, error, says):
        arguments = {"documents": "in", "categories": ["a"], **wrong}
        with pytest.raises(error, match=says) as raised:
            ClassifyBatchOperator(task_id="the_task", **arguments)
        assert "'the_task'" in str(raised.value)
        with pytest.raises(error, match=says) as raised:
            ClassifyBatchOperator.partial(task_id="the_task", **wrong)
        assert "'the_task'" in str(raised.value)

    @pytest.mark.parametrize(
        "names",
        [
            {"output": "{{ params.output }}"},
            {"output": "{{ ds }}.csv", "previous": "{{ macros.ds_add(ds, -1) }}.csv"},
            {"output": "{{ params.output }}", "previous": "yesterday.csv"},
            {"output": "out.jsonl", "previous": "{{ params.previous }}"},
            {"output": Path("out.parquet")},
        ],
    )
    def test_names_that_may_be_right(self, names):
        ClassifyBatchOperator(task_id="t", documents="in", categories=["a"], **names)

    def test_parquet_without_pyarrow(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        for names in ({"output": "{{ ds }}.parquet"}, {"previous": "yesterday.parquet"}):
            with pytest.raises(ExtraNotInstalled, match=r"'t'.*\[parquet\]"):
                ClassifyBatchOperator(task_id="t", documents="in", categories=["a"], **names)

    @pytest.mark.parametrize("output", ["out.xlsx", ""])
    def test_a_template_whose_value_is_no_output(self, service, folder, tmp_path, output):
        operator = batch(folder, tmp_path, output="{{ params.output }}")
        operator.output_path = output
        with pytest.raises(AirflowFailException) as failure:
            operator.execute(context())
        assert isinstance(failure.value.__cause__, InvalidOutput)

    @pytest.mark.parametrize(
        "limit",
        [
            {"max_failed": -1},
            {"max_failed_share": 1.5},
            {"max_failed_share": -0.1},
            {"max_failed": 1, "max_failed_share": 0.5},
        ],
    )
    def test_a_limit_that_means_nothing(self, limit):
        with pytest.raises(ValueError, match="max_failed"):
            ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], **limit)

    @pytest.mark.parametrize(("share", "is_exceeded"), [(0.1, False), (0.05, True)])
    def test_a_share_as_it_was_spelled_before(self, share, is_exceeded):
        with pytest.warns(DeprecationWarning, match=f"max_failed_share={share}"):
            operator = ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], max_failed=share)
        assert operator.limit.is_exceeded(1, 10) is is_exceeded

    def test_a_share_above_one_as_it_was_spelled_before(self):
        with pytest.warns(DeprecationWarning, match="share"), pytest.raises(ValueError, match="max_failed_share"):
            ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], max_failed=1.5)

    @pytest.mark.parametrize("output", ["out.jsonl", "{{ ds }}.jsonl"])
    def test_mapped_tasks_have_an_output_each(self, output):
        with pytest.raises(ValueError, match=r"map_index") as raised:
            ClassifyBatchOperator.partial(task_id="t", categories=["a"], output=output)
        assert "'t'" in str(raised.value)

    def test_mapped_tasks_with_an_output_each(self):
        with DAG("mapped"):
            ClassifyBatchOperator.partial(
                task_id="by_index", categories=["a"], output="{{ ti.map_index }}.jsonl"
            ).expand(documents=["a", "b"])
            ClassifyBatchOperator.partial(task_id="by_value", categories=["a"]).expand_kwargs(
                [{"documents": "a", "output": "a.jsonl"}, {"documents": "b", "output": "b.jsonl"}]
            )
            ClassifyBatchOperator.partial(task_id="without", categories=["a"]).expand(documents=["a", "b"])

    def test_the_arguments_that_both_operators_have_are_checked(self):
        for wrong in ({"timeout": 0}, {"poll_interval": 0.5}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                ClassifyBatchOperator(task_id="t", documents=[], categories=["a"], **wrong)
        with pytest.raises(InvalidCategories, match="'t'"):
            ClassifyBatchOperator(task_id="t", documents=[], categories=[])
        operator = ClassifyBatchOperator(task_id="t", documents="{{ params.folder }}", categories=["a"])
        for wrong, says in ((None, "The documents are None"), (5, "type int; give a folder, or a list of documents")):
            operator.documents = wrong
            with pytest.raises(AirflowFailException, match=f"InvalidDocument: .*{says}"):
                operator.execute(context())


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
