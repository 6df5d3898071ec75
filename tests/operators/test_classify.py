"""The operator, in real runs of a DAG against the real service and the local engine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pymupdf
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath, TaskDeferred

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import (
    ApiNotReached,
    AuthenticationRejected,
    ConnectionNotUsable,
    DocumentEncrypted,
    DocumentNotFound,
    InvalidCategories,
    InvalidDocument,
    InvalidReply,
    JobTimedOut,
)
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.dags import operator_cases
from tests.support.context import context
from tests.support.dags import run_dag
from tests.support.scripted_server import Answer, scripted_server
from tests.support.service import KEY

#: A result with keys that belong to the task.
RESULT = {
    "success": True,
    "classification": "letter",
    "confidence": 0.9,
    "total_pages": 1,
    "job_id": "2",
    "document": "/etc/passwd",
}


@pytest.fixture(scope="module")
def run(service, samples):
    """One run of every mode."""
    return run_dag(operator_cases.dag, connection="service", folder=str(samples))


class TestWhenTheDagIsParsed:
    @pytest.mark.parametrize(
        "categories",
        [[], [""], ["a", "A"], {"a": 1}, None, 3, '["a"', '{"a": 1}', "a, b", [{"description": "x"}], ["a", 7], {"a"}],
    )
    def test_bad_categories_are_refused_with_the_task(self, categories):
        with pytest.raises(InvalidCategories, match=r"^Task 'sort': "):
            ClassifyOperator(task_id="sort", document="d.pdf", categories=categories)

    @pytest.mark.parametrize("document", [None, "", " ", 3, ["a.pdf"], {"path": "a.pdf"}, b"a.pdf"])
    def test_what_is_no_document_is_refused_with_the_task(self, document):
        with pytest.raises(InvalidDocument, match=r"^Task 'sort': "):
            ClassifyOperator(task_id="sort", document=document, categories=["a", "b"])

    @pytest.mark.parametrize(
        "categories",
        [
            ["a", {"name": "b", "description": "c"}],
            '["a", "b"]',
            {"a": "c", "b": None},
            "{{ params.categories }}",
            "{% if params.few %}['a']{% else %}['b']{% endif %}",
            ["a", "{{ params.b }}"],
            ["a", {"name": "{{ params.b }}"}],
            {"{{ params.b }}": "c"},
        ],
    )
    def test_good_ones_and_templates_pass(self, categories):
        assert ClassifyOperator(task_id="t", document="d.pdf", categories=categories).categories == categories

    @pytest.mark.parametrize(
        ("document", "reference"),
        [
            (Path("/in/{{ ds }}.pdf"), "/in/{{ ds }}.pdf"),
            (ObjectStoragePath("s3://conn@bucket/{{ ds }}.pdf"), "s3://conn@bucket/{{ ds }}.pdf"),
        ],
    )
    def test_a_path_is_a_template_as_its_text_is(self, document, reference):
        assert ClassifyOperator(task_id="t", document=document, categories=["a", "b"]).document == reference

    def test_a_timeout_that_cannot_be_met_is_refused(self):
        with pytest.raises(ValueError, match="timeout of 't'"):
            ClassifyOperator(task_id="t", document="d.pdf", categories=["a"], timeout=0)


class TestInADag:
    @pytest.mark.parametrize("task_id", ["waiting", "deferring", "rendered"])
    def test_the_result_is_in_xcom(self, run, samples, task_id):
        assert run.task_states[task_id, -1] == "success"
        result = run.xcom(task_id)
        assert result["document"] == f"{samples}/contract.pdf"
        assert result["classification"] == "contract"
        assert 0.5 < result["confidence"] <= 1
        assert (result["success"], result["total_pages"], result["processed_pages"]) == (True, 2, 2)
        assert [page["classification"] for page in result["page_results"]] == ["contract", "contract"]
        assert result["job_id"] == run.xcom(task_id, key="job_id")
        assert json.loads(json.dumps(result)) == result

    @pytest.mark.parametrize("task_id", ["path", "mapped_path", "described"])
    def test_a_document_may_be_a_path_and_categories_an_object(self, run, samples, task_id):
        index = 0 if task_id == "mapped_path" else -1
        assert run.task_states[task_id, index] == "success"
        result = run.xcom(task_id, index)
        assert result["document"] == f"{samples}/contract.pdf"
        assert result["classification"] == "contract"

    def test_storage_paths_map_from_another_tasks_xcom(self, run, samples):
        results = [run.xcom("mapped_storage_paths", index) for index in (0, 1)]
        assert [result["classification"] for result in results] == ["invoice", "letter"]
        assert results[0]["document"] == f"file://{samples}/invoice.pdf"

    def test_a_job_that_runs_is_waited_for_in_the_triggerer(self, run):
        # The scan takes the engine about a second, so the look before the deferral finds it unfinished.
        assert (run.starts["waiting"], run.starts["deferring"]) == (1, 2)

    def test_each_document_is_a_mapped_task(self, run):
        states = {index: state for (task_id, index), state in run.task_states.items() if task_id == "mapped"}
        assert states == {0: "success", 1: "failed", 2: "success"}
        assert [run.xcom("mapped", index)["classification"] for index in (0, 2)] == ["invoice", "letter"]

    def test_categories_that_render_to_nonsense_fail_the_task(self, run):
        assert run.task_states["rendered_badly", -1] == "failed"

    def test_without_waiting_the_job_id_is_in_xcom(self, run):
        assert run.xcom("submit") == run.xcom("submit", key="job_id")
        assert "classification" not in run.xcom("submit")

    @pytest.mark.parametrize("task_id", ["sensor_poke", "sensor_reschedule", "sensor_deferring"])
    def test_a_sensor_gets_the_result_of_a_job(self, run, task_id):
        assert run.task_states[task_id, -1] == "success"
        assert run.xcom(task_id)["job_id"] == run.xcom("submit")
        assert run.xcom(task_id)["classification"] == "contract"

    def test_the_key_is_nowhere(self, run, capfd):
        home = Path(os.environ["AIRFLOW_HOME"])
        kept = [path for path in home.rglob("*") if path.is_file()]
        assert home / "airflow.db" in kept
        assert not [path for path in kept if KEY.encode() in path.read_bytes()]


def classify(document, connection="local_engine", **arguments):
    operator = ClassifyOperator(
        task_id="t", document=str(document), categories=["invoice", "letter"], classify_conn_id=connection, **arguments
    )
    return operator.execute(context())


@pytest.fixture
def frozen(service, samples):
    """The service with its engine stopped in the middle of whatever it is doing: jobs stay unfinished."""
    classify(samples / "letter.pdf", "service")  # the engine's processes start with their first document
    with service.frozen_engine():
        yield service


class TestFailures:
    """What no retry can mend is an AirflowFailException with the error of ours as its cause."""

    @pytest.mark.usefixtures("local_engine")
    def test_a_missing_document(self, tmp_path):
        with pytest.raises(AirflowFailException, match=r"DocumentNotFound: .*nowhere\.pdf") as failure:
            classify(tmp_path / "nowhere.pdf")
        assert isinstance(failure.value.__cause__, DocumentNotFound)

    @pytest.mark.usefixtures("local_engine")
    def test_a_document_with_a_password(self, tmp_path):
        secret = pymupdf.open()
        secret.new_page().insert_text((72, 72), "Invoice number 7")
        secret.save(tmp_path / "secret.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="u", owner_pw="o")

        with pytest.raises(AirflowFailException, match=r"secret\.pdf.*password") as failure:
            classify(tmp_path / "secret.pdf")
        assert isinstance(failure.value.__cause__, DocumentEncrypted)

    def test_a_wrong_key(self, service, samples, caplog):
        with pytest.raises(AirflowFailException, match="'wrong_key'") as failure:
            classify(samples / "letter.pdf", "wrong_key")
        assert isinstance(failure.value.__cause__, AuthenticationRejected)
        assert KEY not in str(failure.value) + caplog.text

    def test_a_connection_that_is_not_defined(self, samples):
        with pytest.raises(AirflowFailException, match="'no_such_connection' is not defined") as failure:
            classify(samples / "letter.pdf", "no_such_connection")
        assert isinstance(failure.value.__cause__, ConnectionNotUsable)

    @pytest.mark.usefixtures("local_engine")
    def test_a_folder(self, tmp_path):
        with pytest.raises(AirflowFailException, match=r"DocumentNotAFile: .*ClassifyBatchOperator"):
            classify(tmp_path)

    @pytest.mark.usefixtures("local_engine")
    def test_a_template_that_rendered_to_nothing(self):
        operator = ClassifyOperator(
            task_id="t", document="{{ nothing }}", categories=["a", "b"], classify_conn_id="local_engine"
        )
        operator.document = ""
        with pytest.raises(AirflowFailException, match=r"InvalidDocument: .*empty"):
            operator.execute(context())

    @pytest.mark.usefixtures("local_engine")
    def test_a_document_that_is_not_allowed(self, samples, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(tmp_path))
        with pytest.raises(AirflowFailException, match=r"DocumentNotAllowed: .*allowed_roots"):
            classify(samples / "letter.pdf")

    @pytest.mark.usefixtures("local_engine")
    def test_an_example_that_is_not_allowed(self, samples, tmp_path, monkeypatch):
        (tmp_path / "a.txt").write_text("Dear Mrs. Brown")
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(tmp_path))
        operator = ClassifyOperator(
            task_id="t",
            document=tmp_path / "a.txt",
            categories=[{"name": "a", "examples": [str(samples / "letter.pdf")]}, "b"],
            classify_conn_id="local_engine",
        )
        with pytest.raises(AirflowFailException, match=r"DocumentNotAllowed: .*letter\.pdf.*allowed_roots"):
            operator.execute(context())

    def test_a_server_that_is_down_is_worth_a_retry(self, samples, unused_tcp_port):
        pauses = []
        operator = ClassifyOperator(task_id="t", document=str(samples / "letter.pdf"), categories=["invoice", "letter"])
        settings = ApiSettings("down", f"http://127.0.0.1:{unused_tcp_port}")
        operator.hook.worker.backend = ApiBackend(settings, sleep=pauses.append)
        with pytest.raises(ApiNotReached, match=r"letter\.pdf.*'down'"):
            operator.execute(context())
        assert pauses == [1, 2, 4, 8]

    def test_a_job_that_is_not_done_in_time(self, frozen, samples):
        with pytest.raises(JobTimedOut, match="still"):
            classify(samples / "contract.pdf", "service", timeout=1.5)

    @pytest.mark.parametrize("lie", ["contract", "Letter", "letter\n", "\x1b[31mletter"])
    def test_an_answer_that_was_not_asked_for_does_not_route_the_task(self, samples, monkeypatch, lie):
        job = {"job_id": "1", "status": "processing"}
        done = {"job_id": "1", "status": "completed", "result": RESULT | {"classification": lie}}
        with scripted_server(Answer(202, job), Answer(200, done)) as server:
            monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": server.url}))
            with pytest.raises(InvalidReply, match="not one of the categories") as raised:
                classify(samples / "letter.pdf", "server", poll_interval=1)
        assert str(raised.value).isprintable()

    def test_a_deferral_carries_only_the_job_and_its_deadline(self, frozen, samples):
        with pytest.raises(TaskDeferred) as deferred:
            classify(samples / "contract.pdf", "service", deferrable=True, timeout=60)
        path, arguments = deferred.value.trigger.serialize()
        assert path == "airflow_provider_classify.triggers.classify.ClassifyTrigger"
        assert set(arguments) == {
            "classify_conn_id",
            "job_id",
            "since",
            "deadline",
            "poll_interval",
            "end_with_document",
            "categories",
            "evidence",
            "unreadable_is_result",
            "escalate_to",
            "escalate_below",
            "first_answer",
        }
        assert arguments["deadline"] - arguments["since"] == 60
        assert (arguments["end_with_document"], arguments["categories"]) == (None, None), "only where it is asked for"
        assert deferred.value.timeout.total_seconds() > 60

    def test_no_secret_of_a_url_is_in_xcom_or_in_the_triggers_arguments(self, monkeypatch):
        job = {"job_id": "1", "status": "processing"}
        done = {"job_id": "1", "status": "completed", "result": RESULT}
        url = "https://user:s3cret@x.org/a.pdf?sig=s3cret"
        with scripted_server(Answer(202, job), Answer(200, job), Answer(200, done)) as server:
            monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": server.url}))
            with pytest.raises(TaskDeferred) as deferred:
                classify(url, "server", deferrable=True, end_from_trigger=True)
            _, arguments = deferred.value.trigger.serialize()
            assert arguments["end_with_document"] == "https://x.org/a.pdf"
            assert arguments["categories"] == ["invoice", "letter"], "to check what the trigger writes to XCom"
            assert "s3cret" not in str(arguments) + str(deferred.value.kwargs)
            operator = ClassifyOperator(
                task_id="t", document=url, categories=["invoice", "letter"], classify_conn_id="server"
            )
            result = operator.execute_complete(context(), {"job_id": "1", "status": "completed"})
        assert (result["document"], result["job_id"]) == ("https://x.org/a.pdf", "1"), "not what the server says"
        assert "s3cret" not in str(result)
        assert b"s3cret" in server.requests[0].body, "the API needs the whole URL"

    def test_a_resumption_without_an_event_says_what_to_do(self):
        operator = ClassifyOperator(task_id="t", document="d.pdf", categories=["a"])
        with pytest.raises(AirflowFailException, match="clear the task"):
            operator.execute_complete(context(), None)

    def test_what_the_trigger_gave_up_with_is_raised_as_it_was(self):
        operator = ClassifyOperator(task_id="t", document="d.pdf", categories=["a"])
        event = {"job_id": "j", "status": "gave_up", "error_kind": "JobTimedOut", "message": "Job j was not done."}
        with pytest.raises(JobTimedOut, match="Job j was not done"):
            operator.execute_complete(context(), event)
