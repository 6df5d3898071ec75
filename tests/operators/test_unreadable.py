"""Documents that cannot be read, with each value of on_unreadable, against the service and the local engine."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    BatchFailed,
    DocumentNotAllowed,
    InvalidDocument,
    JobTimedOut,
)
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.dags import unreadable_cases
from tests.support.context import context
from tests.support.dags import run_dag
from tests.support.scripted_server import Answer, scripted_server

pytestmark = pytest.mark.usefixtures("local_engine")
LETTER = "Dear Mrs. Brown,\n\nthank you for your letter of 3 May.\n\nYours sincerely\nJohn Smith\n"
COUNTS = ("documents", "classified", "failed", "unreadable", "skipped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    (folder / "letter.txt").write_text(LETTER)
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    return folder


@pytest.fixture(scope="module", params=["service", "local_engine"])
def run(request, service, folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("output")
    run = run_dag(unreadable_cases.dag, connection=request.param, folder=str(folder), output=str(output))
    return run, output


class TestInADag:
    def test_the_error_is_the_result(self, run, folder):
        run, _ = run
        assert [run.task_states["result", index] for index in range(3)] == ["success"] * 3
        letter, damaged, missing = [run.xcom("result", index) for index in range(3)]
        assert (letter["success"], letter["classification"]) == (True, "letter")
        assert (damaged["success"], damaged["classification"], damaged["confidence"]) == (False, None, 0.0)
        assert damaged["error_kind"] == "DocumentCorrupt"
        assert damaged["document"] == f"{folder}/damaged.pdf"
        assert damaged["document"] in damaged["error"]
        assert damaged["job_id"] == run.xcom("result", 1, key="job_id")
        assert missing["error_kind"] == "DocumentNotFound"
        assert missing["job_id"] is None, "nothing was submitted"

    def test_it_goes_to_review(self, run):
        run, _ = run
        assert run.xcom("routes") == ["file", "person", "person"]

    def test_a_branch_follows_its_review(self, run):
        run, _ = run
        assert run.xcom("branch")["error_kind"] == "DocumentCorrupt"
        states = [run.task_states[name, -1] for name in ("branch", "branch_pay", "branch_ask")]
        assert states == ["success", "skipped", "success"]

    def test_or_the_task_is_skipped(self, run):
        run, _ = run
        assert [run.task_states["skip", index] for index in range(3)] == ["success", "skipped", "skipped"]

    def test_a_batch_has_a_row_with_the_error_that_does_not_count_as_failed(self, run):
        run, output = run
        manifest = run.xcom("batch_result")
        assert [manifest[name] for name in COUNTS] == [3, 1, 0, 2, 0]
        assert len(manifest["failures"]) == 2
        letter, damaged, missing = map(json.loads, (output / "result.jsonl").read_text().splitlines())
        assert (letter["success"], letter["classification"]) == (True, "letter")
        assert (damaged["success"], damaged["classification"]) == (False, None)
        assert (damaged["error_kind"], missing["error_kind"]) == ("DocumentCorrupt", "DocumentNotFound")

    def test_or_no_row(self, run):
        run, output = run
        manifest = run.xcom("batch_skip")
        assert [manifest[name] for name in COUNTS] == [3, 1, 0, 0, 2]
        assert len(manifest["failures"]) == 2
        [letter] = map(json.loads, (output / "skip.jsonl").read_text().splitlines())
        assert letter["classification"] == "letter"


def operator(document, connection="local_engine", **arguments):
    return ClassifyOperator(
        task_id="t",
        document=str(document),
        categories=["letter", "invoice"],
        classify_conn_id=connection,
        **{"on_unreadable": "result", **arguments},
    )


class TestWhatIsNoFaultOfTheDocumentFailsTheTask:
    def test_a_wrong_key(self, service, folder):
        with pytest.raises(AirflowFailException) as failure:
            operator(folder / "letter.txt", "wrong_key").execute(context())
        assert isinstance(failure.value.__cause__, AuthenticationRejected)

    def test_a_timeout(self, service, folder):
        operator(folder / "letter.txt", "service").execute(context())
        with service.frozen_engine(), pytest.raises(JobTimedOut):
            operator(folder / "damaged.pdf", "service", timeout=1.5).execute(context())

    def test_a_document_that_is_not_allowed(self, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(tmp_path))
        with pytest.raises(AirflowFailException) as failure:
            operator(folder / "letter.txt").execute(context())
        assert isinstance(failure.value.__cause__, DocumentNotAllowed)

    def test_a_template_that_rendered_to_nothing(self):
        rendered = operator("{{ nothing }}")
        rendered.document = ""
        with pytest.raises(AirflowFailException) as failure:
            rendered.execute(context())
        assert isinstance(failure.value.__cause__, InvalidDocument)

    def test_a_resumption_without_an_event(self, folder):
        with pytest.raises(AirflowFailException, match="clear the task"):
            operator(folder / "letter.txt").execute_complete(context(), None)

    def test_a_trigger_that_gave_up(self, folder):
        event = {"job_id": "j", "status": "gave_up", "error_kind": "JobFailed", "message": "The trigger failed."}
        with pytest.raises(AirflowFailException, match="The trigger failed"):
            operator(folder / "letter.txt").execute_complete(context(), event)

    def test_in_a_batch(self, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(tmp_path))
        batch = ClassifyBatchOperator(
            task_id="t",
            documents=[str(folder / "letter.txt"), str(folder / "missing.pdf")],
            categories=["letter", "invoice"],
            output=str(tmp_path / "out.jsonl"),
            classify_conn_id="local_engine",
            on_unreadable="skip",
        )
        with pytest.raises(AirflowFailException, match="2 of 2 documents") as failure:
            batch.execute(context())
        assert isinstance(failure.value.__cause__, BatchFailed)


def job(**fields):
    return Answer(200, {"job_id": "1", "status": "processing", **fields})


class TestAHostedApi:
    """It names no kind of error."""

    @pytest.mark.parametrize(
        ("ended", "reason"),
        [
            ({"status": "failed", "error": "This PDF could not be opened"}, "could not be opened"),
            (
                {
                    "status": "completed",
                    "result": {
                        "success": False,
                        "classification": "letter",
                        "confidence": 0.9,
                        "total_pages": 1,
                        "processed_pages": 1,
                        "page_results": [
                            {
                                "page": 1,
                                "success": False,
                                "classification": "letter",
                                "error": "no text",
                                "confidence": 0,
                            }
                        ],
                    },
                },
                "no text",
            ),
        ],
    )
    @pytest.mark.parametrize("deferred", [False, True])
    def test_a_job_that_failed_is_a_document_that_cannot_be_read(self, folder, monkeypatch, ended, reason, deferred):
        with scripted_server(
            *([] if deferred else [Answer(202, {"job_id": "1", "status": "queued"})]), job(**ended)
        ) as api:
            monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": api.url}))
            task = operator(folder / "letter.txt", "server", poll_interval=1)
            result = (
                task.execute_complete(context(), {"job_id": "1", "status": ended["status"]})
                if deferred
                else task.execute(context())
            )
        assert (result["success"], result["classification"], result["job_id"]) == (False, None, "1")
        assert result["error_kind"] == "JobFailed"
        assert reason in result["error"]

    def test_skip_after_a_deferral(self, folder, monkeypatch):
        with scripted_server(job(status="failed", error="This PDF could not be opened")) as api:
            monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": api.url}))
            task = operator(folder / "letter.txt", "server", on_unreadable="skip")
            with pytest.raises(AirflowSkipException, match=r"letter\.txt.*could not be opened"):
                task.execute_complete(context(), {"job_id": "1", "status": "failed"})


class TestWhenTheDagIsParsed:
    @pytest.mark.parametrize("value", ["ignore", None, True, "Result"])
    def test_another_value_is_refused_with_the_task(self, value):
        with pytest.raises(ValueError, match="on_unreadable of 't'"):
            operator("a.pdf", on_unreadable=value)
        with pytest.raises(ValueError, match="on_unreadable of 't'"):
            ClassifyBatchOperator(task_id="t", documents="in", categories=["a", "b"], on_unreadable=value)

    @pytest.mark.parametrize("choice", ["result", "skip"])
    def test_a_task_that_does_not_wait_cannot_know(self, choice):
        with pytest.raises(ValueError, match="'t' has on_unreadable"):
            operator("a.pdf", on_unreadable=choice, wait_for_completion=False)
