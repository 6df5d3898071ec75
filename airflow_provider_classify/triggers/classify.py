"""The trigger: watch one job from the triggerer until it ends or its deadline passes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.lifecycle import cancel, compat
from airflow_provider_classify.model import waiting
from airflow_provider_classify.model.contract import JobStatus
from airflow_provider_classify.model.xcom import xcom_value

if TYPE_CHECKING:
    from airflow_provider_classify.model.backend import Jobs

#: How much later than the trigger's own deadline Airflow ends the deferral, if the trigger never came to it.
BACKSTOP = timedelta(minutes=10)


def deferral(classify_conn_id: str, wait: waiting.Wait, end_with_document: str | None = None) -> TaskDeferred:
    """
    Make what a task raises to wait in the triggerer; it resumes in its ``execute_complete``.

    :param end_with_document: see :class:`ClassifyTrigger`.
    """
    return TaskDeferred(
        trigger=ClassifyTrigger(
            classify_conn_id=classify_conn_id,
            job_id=wait.job_id,
            since=wait.since,
            deadline=wait.deadline,
            poll_interval=wait.longest_pause,
            end_with_document=end_with_document,
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=wait.deadline - time.time()) + BACKSTOP,
    )


class ClassifyTrigger(BaseTrigger):
    """
    Watch a job and fire one event when it has ended; see :func:`polling.to_event` for its payload.

    The result does not travel in the event: the task fetches it when it resumes. All arguments are
    primitives, and times are absolute, so a triggerer that takes the trigger over goes on where
    the other was. Leaving (``cleanup``, a clear, a reassignment) never touches the job; only where a user
    has ended the task is the job cancelled, if the API can.

    :param classify_conn_id: the connection whose API or engine has the job.
    :param job_id: the job.
    :param since: when the wait began, epoch seconds; the pauses grow with its age.
    :param deadline: when to give up, epoch seconds.
    :param poll_interval: what the pauses grow to, in seconds.
    :param end_with_document: the document's label. Given, the trigger itself writes the result to XCom and ends
        the task, instead of resuming it; only on success, and only where Airflow can (3.x).
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
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.classify_conn_id = classify_conn_id
        self.job_id = job_id
        self.since = since
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.end_with_document = end_with_document

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what Airflow stores to make this trigger again elsewhere."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "classify_conn_id": self.classify_conn_id,
                "job_id": self.job_id,
                "since": self.since,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "end_with_document": self.end_with_document,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait together with all triggers of the same connection; then fire once."""
        wait = waiting.Wait(self.job_id, self.since, self.deadline, self.poll_interval)
        end: waiting.Ended | waiting.GaveUp
        is_pushed = False
        try:
            async with ClassifyHook(self.classify_conn_id).connect() as jobs:
                end = await jobs.watch(wait)
                if end == waiting.Ended(JobStatus.COMPLETED):
                    is_pushed = await self._push_result(jobs)
        except ClassifyError as error:  # the connection cannot be used
            end = waiting.GaveUp(error)
        yield compat.task_success_event() if is_pushed else TriggerEvent(waiting.to_event(wait, end))

    async def _push_result(self, jobs: Jobs) -> bool:
        """
        Write the result to XCom, so that the task needs no second start.

        :returns: ``False`` where the task has to resume: it is not asked for, Airflow cannot (2.x, and
            ``dag.test()``, which runs triggers without a task instance), or something failed.
        """
        task_instance = self.task_instance
        if self.end_with_document is None or not compat.can_end_task_from_trigger(task_instance):
            return False
        try:
            result = waiting.answer(await jobs.get(self.job_id))
            await compat.push_xcom(task_instance, xcom_value(result, self.job_id, self.end_with_document))
        except Exception:  # whatever it is, the worker meets it again and says so in the task's log
            self.log.warning("Job %s is finished by a worker instead.", self.job_id, exc_info=True)
            return False
        return True

    async def on_kill(self) -> None:
        """Cancel the job if its task has ended, marked so by a user; a job that a next try may want is left."""
        await cancel.from_trigger(self, self.classify_conn_id, lambda: [self.job_id])
