"""An operator with two connections, each a real service whose answers stand in a table."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import (
    ApiNotReached,
    AuthenticationRejected,
    DocumentCorrupt,
    DocumentNeedsOcr,
    DocumentTookTooLong,
    JobTimedOut,
    TaskStateUnavailable,
)
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.links import JOB_LINK_KEY
from tests.dags import cascade_cases
from tests.support.cascades import SURE, UNSURE, classify, operator, task_context
from tests.support.dags import run_dag
from tests.support.documents import write_pdf
from tests.support.table_api import connect_to, table_api
from tests.support.task_state import TaskState

needs_pages = pytest.mark.skipif(not compat.has_pages(), reason="Airflow has pages of plugins from 3.1 on.")


class TestTheAnswer:
    def test_a_sure_answer_stands_and_the_second_is_not_asked(self, apis):
        apis.answer(SURE)
        result = classify(apis)
        assert (result["classification"], result["answered_by"], result["engine"]) == ("invoice", "first", "small")
        assert "first_answer" not in result
        assert apis.jobs() == ([result["job_id"]], [])

    @pytest.mark.parametrize("second", [("letter", 0.99), ("letter", 0.3)])
    def test_another_goes_on_and_the_second_answer_stands(self, apis, second):
        apis.answer(UNSURE, second)
        result = classify(apis)
        [[first_job], [second_job]] = apis.jobs()
        assert (result["classification"], result["confidence"]) == second
        assert (result["answered_by"], result["engine"], result["job_id"]) == ("second", "large", second_job)
        assert result["first_answer"] == {
            "answered_by": "first",
            "job_id": first_job,
            "classification": "invoice",
            "confidence": 0.62,
            "engine": "small",
        }

    @needs_pages
    def test_the_link_opens_the_last_job(self, apis):
        apis.answer(UNSURE, SURE)
        of_task = task_context()
        operator(apis.document).execute(of_task)
        assert of_task["ti"].xcom[JOB_LINK_KEY] == f"{apis.second.url}/classify/{apis.jobs()[1][0]}"

    @needs_pages
    def test_there_is_no_link_to_the_first_job_if_the_second_has_no_url(self, apis, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
        apis.answer(UNSURE)
        of_task = task_context()
        operator(apis.document, escalate_to="here").execute(of_task)
        assert of_task["ti"].xcom[JOB_LINK_KEY] == ""

    def test_a_blank_document_is_not_paid_for(self, apis):
        apis.answer((None, 0.0))
        result = classify(apis)
        assert (result["blank"], result["classification"], result["answered_by"]) == (True, None, "first")
        assert apis.jobs()[1] == []

    def test_what_the_first_could_not_read_goes_on(self, apis):
        apis.answer(DocumentTookTooLong("It took too long."), ("letter", 0.99))
        result = classify(apis)
        assert (result["classification"], result["answered_by"]) == ("letter", "second")
        assert result["first_answer"]["error_kind"] == "DocumentTookTooLong"

    def test_a_damaged_document_does_not(self, apis):
        apis.answer(DocumentCorrupt("It is damaged."))
        with pytest.raises(AirflowFailException, match="DocumentCorrupt"):
            classify(apis)
        assert apis.jobs()[1] == []

    def test_if_the_second_cannot_classify_it_the_first_answer_stands_with_a_mark(self, apis, caplog, capfd):
        apis.answer(UNSURE, DocumentNeedsOcr("It is an image."))
        result = classify(apis)
        assert (result["classification"], result["answered_by"]) == ("invoice", "first")
        assert "It is an image." in result["escalation_error"]
        assert result["job_id"] == result["first_answer"]["job_id"] == apis.jobs()[0][0]
        assert "The first answer about" in caplog.text + "".join(capfd.readouterr())

    def test_if_both_cannot_the_second_error_is_raised(self, apis):
        apis.answer(DocumentTookTooLong("It took too long."), DocumentNeedsOcr("It is an image."))
        with pytest.raises(AirflowFailException, match="DocumentNeedsOcr"):
            classify(apis)

    def test_a_server_cannot_say_who_answered(self, apis, monkeypatch):
        apis.answer(SURE)
        classify_as_before = apis.first.classifier.classify

        def lie(*arguments, **named):
            result = classify_as_before(*arguments, **named)
            result.extra.update(answered_by="boss", first_answer={}, escalation_error="none")
            return result

        monkeypatch.setattr(apis.first.classifier, "classify", lie)
        result = classify(apis)
        assert result["answered_by"] == "first"
        assert not {"first_answer", "escalation_error"} & result.keys()
        alone = classify(apis, escalate_to=None, escalate_below=None)
        assert "answered_by" not in alone


class TestRetries:
    """Each connection gets one job, whatever becomes of the tries."""

    def test_a_try_that_timed_out_at_the_second_is_followed_by_one_that_takes_up_both_jobs(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        apis.second.classifier.gate.clear()
        store = TaskState()
        with pytest.raises(JobTimedOut):
            classify(apis, store, timeout=1.5)
        jobs = apis.jobs()
        assert [len(ids) for ids in jobs] == [1, 1]
        apis.second.classifier.gate.set()
        assert classify(apis, store)["job_id"] == jobs[1][0]
        assert apis.jobs() == jobs

    def test_a_completed_task_that_is_cleared_pays_for_nothing(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        store = TaskState()
        first = classify(apis, store)
        assert classify(apis, store) == first
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_second_connection_that_is_down_is_asked_by_the_next_try(self, apis, unused_tcp_port):
        apis.answer(UNSURE, ("letter", 0.99))
        store, task = TaskState(), operator(apis.document)
        settings = ApiSettings("second", f"http://127.0.0.1:{unused_tcp_port}")
        task.second_hook.worker.backend = ApiBackend(settings, sleep=lambda _: None)
        with pytest.raises(ApiNotReached):
            task.execute(task_context(store))
        assert [len(ids) for ids in apis.jobs()] == [1, 0]
        assert classify(apis, store)["answered_by"] == "second"
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_worker_that_died_in_its_second_submit_is_followed_by_one_with_the_same_key(self, apis):
        """The fourth write is that of the second job's id."""
        apis.answer(UNSURE, ("letter", 0.99))
        store = TaskState()
        store.writes = 3
        with pytest.raises(TaskStateUnavailable):
            classify(apis, store)
        assert store["classify_escalated_job"]["job_id"] is None
        store.writes = 1000
        assert classify(apis, store)["answered_by"] == "second"
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_first_connection_that_is_surer_now_does_not_lose_the_answer_that_was_paid_for(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        store = TaskState()
        paid = classify(apis, store)
        del store["classify_job"]  # as after an update of the engine
        apis.answer(SURE, ("letter", 0.99))
        again = operator(apis.document)
        task = task_context(store)
        task["ti"].run_id += "again"  # with keys of its own
        result = again.execute(task)
        assert (result["answered_by"], result["job_id"]) == ("second", paid["job_id"])
        assert len(apis.jobs()[1]) == 1

    def test_a_job_that_failed_at_the_second_is_not_asked_for_again_by_the_same_try(self, apis):
        apis.answer(UNSURE, DocumentNeedsOcr("It is an image."))
        store = TaskState()
        classify(apis, store)
        assert [len(ids) for ids in apis.jobs()] == [1, 1]
        classify(apis, store)  # a clear asks again, as for any failed job
        assert [len(ids) for ids in apis.jobs()] == [1, 2]


def test_a_wrong_key_of_the_second_fails_at_once(tmp_path, monkeypatch):
    document = tmp_path / "document.txt"
    document.write_text("Dear Mrs. Brown")
    table = {document.read_bytes(): UNSURE}
    with table_api(tmp_path / "first", table) as first, table_api(tmp_path / "second", table, api_key="key") as second:
        connect_to(monkeypatch, "first", first)
        connect_to(monkeypatch, "second", second)
        with pytest.raises(AirflowFailException) as failure:
            classify(SimpleNamespace(document=document))
    assert isinstance(failure.value.__cause__, AuthenticationRejected)


def test_the_local_engine_first_in_runs_of_a_dag(tmp_path, monkeypatch):
    """With Airflow's own XCom and state of a task: sure invoices stay, the rest goes on."""
    invoice = write_pdf(tmp_path / "invoice.pdf")
    note = tmp_path / "note.txt"
    note.write_text("Good morning! Where did you put the blue one?\n")
    with table_api(tmp_path / "second", {note.read_bytes(): ("letter", 0.99)}) as second:
        connect_to(monkeypatch, "second", second)
        run = run_dag(cascade_cases.dag, folder=str(tmp_path))
        assert run.state == "success"
        for task_id in ("waiting", "deferring", "from_trigger"):
            sure, unsure = run.xcom(task_id, 0), run.xcom(task_id, 1)
            assert (sure["document"], sure["classification"]) == (str(invoice), "invoice")
            assert (sure["answered_by"], "first_answer" in sure) == ("classify_default", False)
            assert (unsure["classification"], unsure["answered_by"]) == ("letter", "second")
            assert unsure["first_answer"]["answered_by"] == "classify_default"
        manifest = run.xcom("batch")
        assert (manifest["escalated"], manifest["calls_saved"]) == (1, 1)
        assert manifest["answered_by"] == {"classify_default": 1, "second": 1}
        assert len(second.store.jobs()) == 4
