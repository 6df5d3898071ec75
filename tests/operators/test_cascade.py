"""An operator with two connections, each a real service whose answers stand in a table."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskDeferred
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.exceptions import (
    ApiNotReached,
    AuthenticationRejected,
    DocumentCorrupt,
    DocumentNeedsOcr,
    DocumentTookTooLong,
    InvalidCascade,
    JobTimedOut,
    TaskStateUnavailable,
)
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.dags import cascade_cases
from tests.support.context import context, with_task
from tests.support.dags import run_dag
from tests.support.documents import write_pdf
from tests.support.table_api import connect_to, table_api

CATEGORIES = ["invoice", "letter"]
UNSURE = ("invoice", 0.62)
SURE = ("invoice", 0.95)


class Store(dict[str, Any]):
    """The state of one task in memory; ``writes`` says how many more it takes."""

    writes = 1000

    def set(self, key: str, value: Any) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise ConnectionError("the API server is away")
        self[key] = json.loads(json.dumps(value))


class Apis:
    """Two services. Their tables have the answers about the one document of a test."""

    def __init__(self, first, second, document):
        self.first, self.second, self._content = first, second, document.read_bytes()
        self.document = document

    def answer(self, first, second=None):
        self.first.classifier.table = {self._content: first}
        self.second.classifier.table = {self._content: second}

    def jobs(self):
        """Return the ids of the jobs of each."""
        return tuple([job.job_id for job in api.store.jobs()] for api in (self.first, self.second))


@pytest.fixture
def apis(tmp_path, monkeypatch):
    document = tmp_path / "document.txt"
    document.write_text("Dear Mrs. Brown")
    with (
        table_api(tmp_path / "first", {}, engine="small") as first,
        table_api(tmp_path / "second", {}, engine="large") as second,
    ):
        connect_to(monkeypatch, "first", first)
        connect_to(monkeypatch, "second", second)
        yield Apis(first, second, document)
        second.classifier.gate.set()


def operator(document, **arguments):
    arguments = {
        "classify_conn_id": "first",
        "escalate_to": "second",
        "escalate_below": 0.9,
        "poll_interval": 1,
        **arguments,
    }
    return ClassifyOperator(task_id="t", document=str(document), categories=CATEGORIES, **arguments)


def classify(apis, store=None, **arguments):
    """One try of the task; ``store`` is what it leaves to the next."""
    return operator(apis.document, **arguments).execute(task_context(store))


def task_context(store=None):
    return context() | ({} if store is None else {"task_state_store": store})


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
        store = Store()
        with pytest.raises(JobTimedOut):
            classify(apis, store, timeout=1.5)
        jobs = apis.jobs()
        assert [len(ids) for ids in jobs] == [1, 1]
        apis.second.classifier.gate.set()
        assert classify(apis, store)["job_id"] == jobs[1][0]
        assert apis.jobs() == jobs

    def test_a_completed_task_that_is_cleared_pays_for_nothing(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        store = Store()
        first = classify(apis, store)
        assert classify(apis, store) == first
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_second_connection_that_is_down_is_asked_by_the_next_try(self, apis, unused_tcp_port):
        apis.answer(UNSURE, ("letter", 0.99))
        store, task = Store(), operator(apis.document)
        settings = ApiSettings("second", f"http://127.0.0.1:{unused_tcp_port}")
        task.second_hook.backend = ApiBackend(settings, sleep=lambda _: None)
        with pytest.raises(ApiNotReached):
            task.execute(task_context(store))
        assert [len(ids) for ids in apis.jobs()] == [1, 0]
        assert classify(apis, store)["answered_by"] == "second"
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_worker_that_died_in_its_second_submit_is_followed_by_one_with_the_same_key(self, apis):
        """The fourth write is that of the second job's id."""
        apis.answer(UNSURE, ("letter", 0.99))
        store = Store()
        store.writes = 3
        with pytest.raises(TaskStateUnavailable):
            classify(apis, store)
        assert store["classify_escalated_job"]["job_id"] is None
        store.writes = 1000
        assert classify(apis, store)["answered_by"] == "second"
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_first_connection_that_is_surer_now_does_not_lose_the_answer_that_was_paid_for(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        store = Store()
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
        store = Store()
        classify(apis, store)
        assert [len(ids) for ids in apis.jobs()] == [1, 1]
        classify(apis, store)  # a clear asks again, as for any failed job
        assert [len(ids) for ids in apis.jobs()] == [1, 2]


def deferred(task, task_context, method="execute", *arguments):
    with pytest.raises(TaskDeferred) as raised:
        getattr(task, method)(task_context, *arguments)
    return raised.value.trigger


def fired(trigger):
    async def run():
        return [event async for event in trigger.run()]

    [event] = asyncio.run(run())
    return event


class TestDeferred:
    def test_both_jobs_are_waited_for_in_the_triggerer(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        for api in (apis.first, apis.second):
            api.classifier.gate.clear()
        task, its_context = operator(apis.document, deferrable=True), task_context(Store())
        trigger = deferred(task, its_context)
        assert trigger.classify_conn_id == "first"
        apis.first.classifier.gate.set()
        event = fired(trigger).payload
        assert event == {"job_id": apis.jobs()[0][0], "status": "completed"}

        trigger = deferred(task, its_context, "execute_complete", event)
        assert trigger.classify_conn_id == "second"
        apis.second.classifier.gate.set()
        event = fired(trigger).payload
        assert event == {"job_id": apis.jobs()[1][0], "status": "completed", "escalated": True}
        # The worker that resumes knows nothing but the context of the task.
        result = operator(apis.document, deferrable=True).execute_complete(its_context, event)
        assert (result["classification"], result["answered_by"]) == ("letter", "second")
        assert result["first_answer"]["confidence"] == 0.62
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_retry_defers_for_the_second_job_at_once(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        apis.second.classifier.gate.clear()
        store = Store()
        triggers = []
        for _ in range(2):
            with pytest.raises(TaskDeferred) as raised:
                while_the_first_ends(apis, store)
            triggers.append(raised.value.trigger)
        assert [trigger.classify_conn_id for trigger in triggers] == ["second", "second"]
        assert triggers[0].job_id == triggers[1].job_id
        assert [len(ids) for ids in apis.jobs()] == [1, 1]

    def test_a_failure_of_the_second_job_leaves_the_whole_first_answer(self, apis):
        apis.answer(UNSURE, DocumentNeedsOcr("It is an image."))
        apis.second.classifier.gate.clear()
        its_context = task_context(Store())
        with pytest.raises(TaskDeferred) as raised:
            while_the_first_ends(apis, None, its_context)
        apis.second.classifier.gate.set()
        event = fired(raised.value.trigger).payload
        result = operator(apis.document, deferrable=True).execute_complete(its_context, event)
        assert (result["answered_by"], result["classification"]) == ("first", "invoice")
        assert result["page_results"][0]["confidence"] == 0.62
        assert "It is an image." in result["escalation_error"]

    def test_the_trigger_gives_up_at_the_second(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        apis.second.classifier.gate.clear()
        with pytest.raises(TaskDeferred) as raised:
            while_the_first_ends(apis, Store(), timeout=1.5)
        event = fired(raised.value.trigger).payload
        assert (event["escalated"], event["error_kind"]) == (True, "JobTimedOut")
        with pytest.raises(JobTimedOut):
            operator(apis.document).execute_complete(task_context(), event)

    def test_a_resumption_without_an_event_asks_nobody(self, apis):
        with pytest.raises(AirflowFailException, match="clear the task"):
            operator(apis.document).execute_complete(task_context(), None)
        assert apis.jobs() == ([], [])

    def test_the_arguments_of_a_trigger_are_enough_for_another_triggerer(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        apis.second.classifier.gate.clear()
        with pytest.raises(TaskDeferred) as raised:
            while_the_first_ends(apis, Store())
        _, arguments = raised.value.trigger.serialize()
        again = type(raised.value.trigger)(**json.loads(json.dumps(arguments)))
        assert again.serialize()[1] == arguments
        assert arguments["first_answer"]["confidence"] == 0.62


def while_the_first_ends(apis, store, its_context=None, **arguments):
    """A deferrable try whose first job has ended when the task looks at it."""
    task = operator(apis.document, deferrable=True, **arguments)
    look = task.hook.look
    task.hook.look = lambda job_id, **named: (apis.first.ended(job_id), look(job_id, **named))[1]
    return task.execute(its_context or task_context(store))


@pytest.fixture
def pushed(monkeypatch):
    """Keep what a trigger pushes to XCom. The system tests end tasks in a real triggerer."""
    values = []

    async def push(_task_instance, value, key="return_value"):
        values.append(value)

    monkeypatch.setattr(compat, "push_xcom", push)
    return values


class TestEndFromTrigger:
    def trigger_of_the_first(self, apis):
        apis.first.classifier.gate.clear()
        trigger = deferred(operator(apis.document, deferrable=True, end_from_trigger=True), task_context(Store()))
        apis.first.classifier.gate.set()
        return with_task(trigger, "deferred")

    def test_a_sure_answer_ends_the_task(self, apis, pushed):
        apis.answer(SURE)
        assert isinstance(fired(self.trigger_of_the_first(apis)), TaskSuccessEvent)
        [result] = pushed
        assert (result["classification"], result["answered_by"]) == ("invoice", "first")

    def test_another_is_left_to_a_worker(self, apis, pushed):
        apis.answer(UNSURE)
        event = fired(self.trigger_of_the_first(apis))
        assert event.payload["status"] == "completed"
        assert pushed == []

    def test_the_second_answer_ends_the_task(self, apis, pushed):
        apis.answer(UNSURE, ("letter", 0.3))
        apis.second.classifier.gate.clear()
        with pytest.raises(TaskDeferred) as raised:
            while_the_first_ends(apis, Store(), end_from_trigger=True)
        apis.second.classifier.gate.set()
        assert isinstance(fired(with_task(raised.value.trigger, "deferred")), TaskSuccessEvent)
        [result] = pushed
        assert (result["classification"], result["answered_by"]) == ("letter", "second")
        assert result["first_answer"]["classification"] == "invoice"


class TestWhenTheDagIsParsed:
    @pytest.mark.parametrize("below", [0, -0.1, 1.01, float("nan"), "0.9", True, [0.9]])
    def test_a_threshold_out_of_range_or_of_another_type(self, below):
        with pytest.raises(InvalidCascade, match=r"escalate_below of the task 't'"):
            operator("d.pdf", escalate_below=below)

    @pytest.mark.parametrize("one", [{"escalate_to": None}, {"escalate_below": None}])
    def test_one_argument_without_the_other(self, one):
        with pytest.raises(InvalidCascade, match=r"'t'.*both"):
            operator("d.pdf", **one)

    @pytest.mark.parametrize("to", ["", " ", 7, ["second"]])
    def test_what_is_no_connection(self, to):
        with pytest.raises(InvalidCascade, match=r"escalate_to of the task 't'"):
            operator("d.pdf", escalate_to=to)

    def test_the_same_connection_twice(self):
        with pytest.raises(InvalidCascade, match=r"'t'.*'first' twice"):
            operator("d.pdf", escalate_to="first")

    def test_no_wait(self):
        with pytest.raises(InvalidCascade, match="wait_for_completion"):
            operator("d.pdf", wait_for_completion=False)

    def test_a_batch_is_checked_as_well(self):
        with pytest.raises(InvalidCascade, match="'b'"):
            ClassifyBatchOperator(task_id="b", documents=[], categories=["a"], escalate_to="x", escalate_below=2)

    def test_a_template_is_checked_when_it_is_rendered(self, apis):
        apis.answer(SURE)
        task = operator(apis.document, escalate_to="{{ params.second }}")
        for rendered in ("first", ""):
            task.escalate_to = rendered
            with pytest.raises(AirflowFailException, match="InvalidCascade"):
                task.execute(task_context())

    def test_a_mapped_task(self):
        with DAG("mapped"):
            mapped = ClassifyOperator.partial(
                task_id="t", categories=["a"], escalate_to="second", escalate_below=0.9
            ).expand(document=["a.pdf"])
        assert mapped.task_id == "t"

    @pytest.mark.parametrize("wrong", [{"escalate_below": 2}, {"escalate_to": "first"}])
    @pytest.mark.parametrize("operator_class", [ClassifyOperator, ClassifyBatchOperator])
    def test_a_mapped_task_is_checked_as_well(self, operator_class, wrong):
        arguments = {"classify_conn_id": "first", "escalate_to": "second", "escalate_below": 0.9, **wrong}
        with pytest.raises(InvalidCascade, match="'t'"):
            operator_class.partial(task_id="t", categories=["a"], **arguments)

    def test_a_branch_on_a_result_classifies_nothing(self):
        arguments = {"routes": {"invoice": "pay"}, "review": "ask", "minimum_confidence": 0.8}
        with pytest.raises(ValueError, match=r"'t'.*escalate_to"):
            ClassifyBranchOperator(task_id="t", result={}, escalate_to="a", escalate_below=0.9, **arguments)


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
