"""A deferred operator with two connections."""

from __future__ import annotations

import asyncio
import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_classify.exceptions import DocumentNeedsOcr, JobTimedOut
from airflow_provider_classify.lifecycle import compat
from tests.support.cascades import SURE, UNSURE, operator, task_context
from tests.support.context import with_task
from tests.support.task_state import TaskState


def deferred(task, task_context, method="execute", *arguments):
    with pytest.raises(TaskDeferred) as raised:
        getattr(task, method)(task_context, *arguments)
    return raised.value.trigger


def fired(trigger):
    async def run():
        return [event async for event in trigger.run()]

    [event] = asyncio.run(run())
    return event


def while_the_first_ends(apis, store, its_context=None, **arguments):
    """A deferrable try whose first job has ended when the task looks at it."""
    task = operator(apis.document, deferrable=True, **arguments)
    look = task.hook.look
    task.hook.look = lambda job_id, **named: (apis.first.ended(job_id), look(job_id, **named))[1]
    return task.execute(its_context or task_context(store))


class TestDeferred:
    def test_both_jobs_are_waited_for_in_the_triggerer(self, apis):
        apis.answer(UNSURE, ("letter", 0.99))
        for api in (apis.first, apis.second):
            api.classifier.gate.clear()
        task, its_context = operator(apis.document, deferrable=True), task_context(TaskState())
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
        store = TaskState()
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
        its_context = task_context(TaskState())
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
            while_the_first_ends(apis, TaskState(), timeout=1.5)
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
            while_the_first_ends(apis, TaskState())
        _, arguments = raised.value.trigger.serialize()
        again = type(raised.value.trigger)(**json.loads(json.dumps(arguments)))
        assert again.serialize()[1] == arguments
        assert arguments["first_answer"]["confidence"] == 0.62


@pytest.fixture
def pushed(monkeypatch):
    """Keep what a trigger pushes to XCom. The system tests end tasks in a real triggerer."""
    values = []

    async def push(_task_instance, value, key="return_value"):
        values.append(value)

    monkeypatch.setattr(compat, "push_xcom", push)
    return values


@pytest.mark.skipif(not hasattr(compat.XCom, "aset"), reason="A trigger can write XCom since Airflow 3.1.")
class TestEndFromTrigger:
    def trigger_of_the_first(self, apis):
        apis.first.classifier.gate.clear()
        trigger = deferred(operator(apis.document, deferrable=True, end_from_trigger=True), task_context(TaskState()))
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
            while_the_first_ends(apis, TaskState(), end_from_trigger=True)
        apis.second.classifier.gate.set()
        assert isinstance(fired(with_task(raised.value.trigger, "deferred")), TaskSuccessEvent)
        [result] = pushed
        assert (result["classification"], result["answered_by"]) == ("letter", "second")
        assert result["first_answer"]["classification"] == "invoice"
