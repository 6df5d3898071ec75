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
from airflow_provider_classify.lifecycle import cancel, compat
from airflow_provider_classify.model import events, polling
from airflow_provider_classify.model.cascade import Accept, Cascade, Outcome, after_first, answer_fields
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.xcom import xcom_value

if TYPE_CHECKING:
    from airflow_provider_classify.job_session import JobSession

#: The time after the trigger's deadline at which Airflow ends the deferral if the trigger has not fired.
BACKSTOP = timedelta(minutes=10)


def deferral(
    classify_conn_id: str,
    wait: polling.Wait,
    end_with_document: str | None = None,
    categories: Sequence[str] | None = None,
    cascade: Cascade | None = None,
    first_answer: dict[str, Any] | None = None,
) -> TaskDeferred:
    """
    Return the exception that a task raises to wait in the triggerer. It resumes in ``execute_complete``.

    :param end_with_document: see :class:`ClassifyTrigger`.
    :param categories: see :class:`ClassifyTrigger`.
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

    :func:`events.encode_job` returns the payload of the event, which has no result: the task fetches it when it
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
    :param escalate_to: the second connection of a cascade, if this is the job at the first. An answer that has to be
        escalated is left to a worker.
    :param escalate_below: the threshold of the cascade.
    :param first_answer: the answer of the first connection in short, if this is the job at the second.
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
                "escalate_to": self.escalate_to,
                "escalate_below": self.escalate_below,
                "first_answer": self.first_answer,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the job; then fire once. All triggers of an Airflow connection share their HTTP connections."""
        wait = polling.Wait(self.job_id, self.since, self.deadline, self.poll_interval)
        end: polling.Ended | polling.GaveUp
        is_pushed = False
        try:
            async with ClassifyHook(self.classify_conn_id).connect() as session:
                end = await session.watch(wait)
                if end == polling.Ended(JobStatus.COMPLETED):
                    is_pushed = await self._push_result(session)
        except ClassifyError as error:  # the connection cannot be used
            end = polling.GaveUp(error)
        event = events.encode_job(self.job_id, end, is_escalated=self.first_answer is not None)
        yield compat.task_success_event() if is_pushed else TriggerEvent(event)

    async def _push_result(self, session: JobSession) -> bool:
        """
        Write the result to XCom, so that the task can end without a worker.

        :returns: ``False`` if the task must resume on a worker: ``end_with_document`` is not set, Airflow cannot end
            it here (2.x, and ``dag.test()``, where triggers have no task instance), the answer has to be escalated,
            or the attempt failed.
        """
        task_instance = self.task_instance
        if self.end_with_document is None or not compat.can_end_task_from_trigger(task_instance):
            return False
        try:
            result = polling.answer(await session.get(self.job_id), self.end_with_document, self.categories)
            fields = self._cascade_fields(result)
            if fields is None:
                return False
            await compat.push_xcom(task_instance, xcom_value(result, self.job_id, self.end_with_document, fields))
        except Exception:  # the worker tries again and reports its error in the task's log
            self.log.warning(
                "The result of job %s could not be written to XCom here; a worker will try again.",
                self.job_id,
                exc_info=True,
            )
            return False
        return True

    def _cascade_fields(self, result: ClassificationResult) -> dict[str, Any] | None:
        """Return the fields that a cascade adds to the answer; ``None`` if the answer has to be escalated."""
        if self.first_answer is not None:
            return answer_fields(self.classify_conn_id, self.first_answer)
        if self.escalate_to is None or self.escalate_below is None:
            return {}
        cascade = Cascade(self.classify_conn_id, self.escalate_to, self.escalate_below)
        step = after_first(cascade, Outcome(self.classify_conn_id, result, self.job_id))
        return step.fields if isinstance(step, Accept) else None

    async def on_kill(self) -> None:
        """Cancel the job if the task has ended. Otherwise keep it, because the next try may need it."""
        connect = ClassifyHook(self.classify_conn_id).connect
        await cancel.from_trigger(self.task_instance, self.log, connect, lambda: [self.job_id])
