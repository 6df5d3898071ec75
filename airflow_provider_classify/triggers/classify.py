"""The trigger: watch one job from the triggerer until it ends or its deadline passes."""

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
from airflow_provider_classify.model import events, waiting
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.xcom import xcom_value

if TYPE_CHECKING:
    from airflow_provider_classify.job_session import JobSession

#: How much later than the trigger's own deadline Airflow ends the deferral, if the trigger did not end by itself.
BACKSTOP = timedelta(minutes=10)


def deferral(
    classify_conn_id: str,
    wait: waiting.Wait,
    end_with_document: str | None = None,
    categories: Sequence[str] | None = None,
) -> TaskDeferred:
    """
    Return what a task raises to wait in the triggerer; it resumes in its ``execute_complete``.

    :param end_with_document: see :class:`ClassifyTrigger`.
    :param categories: see :class:`ClassifyTrigger`.
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
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=wait.deadline - time.time()) + BACKSTOP,
    )


class ClassifyTrigger(BaseTrigger):
    """
    Watch a job and fire one event when it has ended; see :func:`events.encode_job` for its payload.

    The result is not in the event: the task fetches it when it resumes. All arguments are primitives, and times
    are absolute, so another triggerer that takes the trigger over continues the same wait. When the trigger stops
    without an event (``cleanup``, a clear, a reassignment), the job runs on. It is cancelled only if a user has
    ended the task, and the API can.

    :param classify_conn_id: the connection whose API or engine has the job.
    :param job_id: the job.
    :param since: when the wait began, epoch seconds; the pauses grow with its age.
    :param deadline: when to give up, epoch seconds.
    :param poll_interval: what the pauses grow to, in seconds.
    :param end_with_document: the document's label. Given, the trigger itself writes the result to XCom and ends
        the task, instead of resuming it; only on success, and only where Airflow can (3.x).
    :param categories: the names that were asked for, to check a result that the trigger writes to XCom.
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
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.classify_conn_id = classify_conn_id
        self.job_id = job_id
        self.since = since
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.end_with_document = end_with_document
        self.categories = categories

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow stores to make this trigger again elsewhere."""
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
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, sharing connections with all triggers of the same Airflow connection; then fire once."""
        wait = waiting.Wait(self.job_id, self.since, self.deadline, self.poll_interval)
        end: waiting.Ended | waiting.GaveUp
        is_pushed = False
        try:
            async with ClassifyHook(self.classify_conn_id).connect() as session:
                end = await session.watch(wait)
                if end == waiting.Ended(JobStatus.COMPLETED):
                    is_pushed = await self._push_result(session)
        except ClassifyError as error:  # the connection cannot be used
            end = waiting.GaveUp(error)
        yield compat.task_success_event() if is_pushed else TriggerEvent(events.encode_job(self.job_id, end))

    async def _push_result(self, session: JobSession) -> bool:
        """
        Write the result to XCom, so that the task need not be started again.

        :returns: ``False`` if the task has to resume: the trigger was not asked to end it, Airflow cannot (2.x,
            and ``dag.test()``, which runs triggers without a task instance), or something failed.
        """
        task_instance = self.task_instance
        if self.end_with_document is None or not compat.can_end_task_from_trigger(task_instance):
            return False
        try:
            result = waiting.answer(await session.get(self.job_id), self.end_with_document, self.categories)
            await compat.push_xcom(task_instance, xcom_value(result, self.job_id, self.end_with_document))
        except Exception:  # the worker meets the same error and says so in the task's log
            self.log.warning(
                "The result of job %s could not be written to XCom; a worker does it.", self.job_id, exc_info=True
            )
            return False
        return True

    async def on_kill(self) -> None:
        """Cancel the job if a user has ended its task. Otherwise the next try may need it."""
        connect = ClassifyHook(self.classify_conn_id).connect
        await cancel.from_trigger(self.task_instance, self.log, connect, lambda: [self.job_id])
