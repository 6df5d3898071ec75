"""The trigger that watches one job until it ends or the deadline passes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.lifecycle import cancel, compat, metrics, tracing
from airflow_provider_classify.model import events, measurements, polling
from airflow_provider_classify.model.cascade import Accept, Cascade, Escalate, Fail, Outcome, after_first, answer_fields
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.model.xcom import unreadable_value, xcom_value

if TYPE_CHECKING:
    from airflow_provider_classify.job_session import JobSession

#: The time after the trigger's deadline at which Airflow ends the deferral if the trigger has not fired.
BACKSTOP = timedelta(minutes=10)


def deferral(
    classify_conn_id: str,
    wait: polling.Wait,
    end_with_document: str | None = None,
    categories: Sequence[str] | None = None,
    *,
    evidence: bool = True,
    unreadable_is_result: bool = False,
    cascade: Cascade | None = None,
    first_answer: dict[str, Any] | None = None,
) -> TaskDeferred:
    """
    Return the exception that a task raises to wait in the triggerer. It resumes in ``execute_complete``.

    :param end_with_document: see :class:`ClassifyTrigger`.
    :param categories: see :class:`ClassifyTrigger`.
    :param evidence: see :class:`ClassifyTrigger`.
    :param unreadable_is_result: see :class:`ClassifyTrigger`.
    :param cascade: the task's cascade, if this is the job at its first connection.
    :param first_answer: see :class:`ClassifyTrigger`.
    """
    return TaskDeferred(
        trigger=ClassifyTrigger(
            classify_conn_id=classify_conn_id,
            job_id=wait.job_id,
            since=wait.since,
            deadline=wait.deadline,
            poll_interval=wait.longest_pause,
            end_with_document=end_with_document,
            categories=None if categories is None else list(categories),
            evidence=evidence,
            unreadable_is_result=unreadable_is_result,
            escalate_to=cascade.second if cascade else None,
            escalate_below=cascade.below if cascade else None,
            first_answer=first_answer,
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=wait.deadline - time.time()) + BACKSTOP,
    )


class ClassifyTrigger(BaseTrigger):
    """
    Watch a job. Fire one event when it has ended or the deadline has passed.

    :func:`events.encode_job` returns the payload of the event. It has no result: the task fetches the result when it
    resumes. All times are absolute, so that another triggerer continues the same wait. If the trigger stops without
    an event, for example after a clear or a reassignment, the job continues. It is cancelled only if the task has
    ended and the API has a cancel.

    :param classify_conn_id: the connection whose API or engine has the job.
    :param job_id: the id of the job.
    :param since: the start of the wait, in epoch seconds. The pauses grow with the age of the wait.
    :param deadline: the end of the wait, in epoch seconds.
    :param poll_interval: the longest pause between two requests, in seconds.
    :param end_with_document: the document's label. If it is set and the job completes, the trigger writes the result
        to XCom and ends the task, if Airflow can do this (3.x).
    :param categories: the names of the categories, to check a result that the trigger writes to XCom.
    :param evidence: whether a result that the trigger writes to XCom contains text of the document.
    :param unreadable_is_result: whether the trigger also writes the error of an unreadable document to XCom and ends
        the task as successful.
    :param escalate_to: the second connection of a cascade, if this is the job at the first. A worker escalates the
        document.
    :param escalate_below: the threshold of the cascade.
    :param first_answer: a short form of the first connection's answer, if this is the job at the second connection.
    """

    def __init__(
        self,
        *,
        classify_conn_id: str,
        job_id: str,
        since: float,
        deadline: float,
        poll_interval: float,
        end_with_document: str | None = None,
        categories: list[str] | None = None,
        evidence: bool = True,
        unreadable_is_result: bool = False,
        escalate_to: str | None = None,
        escalate_below: float | None = None,
        first_answer: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.classify_conn_id = classify_conn_id
        self.job_id = job_id
        self.since = since
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.end_with_document = end_with_document
        self.categories = categories
        self.evidence = evidence
        self.unreadable_is_result = unreadable_is_result
        self.escalate_to = escalate_to
        self.escalate_below = escalate_below
        self.first_answer = first_answer

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and arguments, from which Airflow creates this trigger in any triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "classify_conn_id": self.classify_conn_id,
                "job_id": self.job_id,
                "since": self.since,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "end_with_document": self.end_with_document,
                "categories": self.categories,
                "evidence": self.evidence,
                "unreadable_is_result": self.unreadable_is_result,
                "escalate_to": self.escalate_to,
                "escalate_below": self.escalate_below,
                "first_answer": self.first_answer,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the job. Then fire once. All triggers of an Airflow connection share their HTTP connections."""
        wait = polling.Wait(self.job_id, self.since, self.deadline, self.poll_interval)
        end: polling.Ended | polling.GaveUp
        is_pushed = False
        try:
            async with ClassifyHook(self.classify_conn_id).connect() as session:
                with tracing.span(tracing.WAIT, backend=session.backend_name, job_id=self.job_id):
                    end = await session.watch(wait, self.log)
                if isinstance(end, polling.Ended):
                    metrics.send(measurements.waited(session.backend_name, time.time() - self.since))
                    if self._may_push(end.status):
                        is_pushed = await self._push_result(session)
        except ClassifyError as error:  # the connection cannot be used
            end = polling.GaveUp(error)
        event = events.encode_job(self.job_id, end, is_escalated=self.first_answer is not None)
        yield compat.task_success_event() if is_pushed else TriggerEvent(event)

    def _may_push(self, status: JobStatus) -> bool:
        """
        Return whether the trigger may end the task after a job with this status.

        Airflow 2.x cannot do this, and neither can ``dag.test()``, where triggers have no task instance.
        """
        has_value = status is JobStatus.COMPLETED or self.unreadable_is_result
        return has_value and self.end_with_document is not None and compat.can_end_task_from_trigger(self.task_instance)

    async def _push_result(self, session: JobSession) -> bool:
        """
        Write the result to XCom, so that the task can end without a worker.

        :returns: ``False`` if the task must resume on a worker: the attempt failed, or a cascade has not ended.
        """
        try:
            value = self._value(await session.get(self.job_id), str(self.end_with_document))
            if value is None:
                return False
            await compat.push_xcom(self.task_instance, value)
            metrics.send(measurements.of_value(session.backend_name, value))
        except Exception:  # the worker tries again and reports its error in the task's log
            self.log.warning(
                "The result of job %s could not be written to XCom here; a worker will try again.",
                self.job_id,
                exc_info=True,
            )
            return False
        return True

    def _value(self, job: Job, document: str) -> dict[str, Any] | None:
        """Return the value for XCom; ``None`` if a worker must continue the cascade."""
        try:
            outcome = Outcome(self.classify_conn_id, polling.answer(job, document, self.categories), self.job_id)
        except ClassifyError as error:
            outcome = Outcome(self.classify_conn_id, error, self.job_id)
        step = self._decide(outcome)
        if isinstance(step, Accept):
            return xcom_value(step.result, self.job_id, document, step.fields, evidence=self.evidence)
        if isinstance(step, Escalate):
            return None
        if not (self.unreadable_is_result and step.error.unreadable):
            raise step.error
        return unreadable_value(step.error, self.job_id, document)

    def _decide(self, outcome: Outcome) -> Accept | Escalate | Fail:
        if self.first_answer is None:
            cascade = None
            if self.escalate_to is not None and self.escalate_below is not None:
                cascade = Cascade(self.classify_conn_id, self.escalate_to, self.escalate_below)
            return after_first(cascade, outcome)
        if isinstance(outcome.end, ClassifyError):
            return Escalate("only the worker has the whole first answer")
        return Accept(outcome.end, self.job_id, answer_fields(self.classify_conn_id, self.first_answer))

    async def on_kill(self) -> None:
        """Cancel the job if the task has ended. Otherwise keep it, because the next try may need it."""
        connect = ClassifyHook(self.classify_conn_id).connect
        await cancel.from_trigger(self.task_instance, self.log, connect, lambda: [self.job_id])
