"""
A run of the operator that classifies one document: ask one connection or two, and return the value for XCom.

A task that resumes usually fetches its result and ends. So what it needs for a submit or a wait is imported there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, InvalidCascade, InvalidDocument
from airflow_provider_classify.lifecycle import cancel, metrics
from airflow_provider_classify.lifecycle.thumbnail_route import XCOM_KEY
from airflow_provider_classify.model import cascade as cascades
from airflow_provider_classify.model import events, measurements, polling
from airflow_provider_classify.model.cascade import Accept, Escalate, Fail, Outcome
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.operators.answer import value_of
from airflow_provider_classify.operators.links import omit_pushed_links, push_links

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.hooks.classify import ClassifyHook
    from airflow_provider_classify.lifecycle.lineage import Lineage
    from airflow_provider_classify.operators.classify import ClassifyOperator
    from airflow_provider_classify.operators.task_job import TaskJob

#: The result of a document, or the list of the documents of a packet.
XComValue = dict[str, Any] | list[dict[str, Any]]
#: The key in XCom under which a task keeps the outcome of the first connection while the second works.
FIRST_ANSWER_KEY = "first_answer"


class DocumentTask:
    """
    A run of a :class:`ClassifyOperator`, from its start or from its deferral to the value for XCom.

    :param operator: the operator, whose templates are rendered.
    """

    def __init__(self, operator: ClassifyOperator, context: Context) -> None:
        self._operator = operator
        self._context = context
        self._task_instance: Any = context["ti"]
        self._document = Document.of(operator.document)
        self._category_names = [category.name for category in parse_categories(operator.categories)]
        self._asked: tuple[ClassifyHook, str] | None = None  # the last connection that was asked, and the job there
        self._waiting: tuple[ClassifyHook, str] | None = None  # the connection and the job to cancel
        self.answer: dict[str, Any] | None = None
        self.parts: list[dict[str, Any]] = []

    def execute(self) -> XComValue | str:
        """Reattach or submit, and wait if the operator does. :returns: the result or the job id."""
        if not self._operator.wait_for_completion:
            with self._operator.hook:
                return self._submit(self._job())
        return self._after_first(self._ask(self._job()))

    def resume(self, event: dict[str, Any] | None) -> XComValue:
        """Fetch the job that the trigger's event names. :returns: the result."""
        omit_pushed_links(self._operator)
        is_escalated, job_id = events.is_escalated(event), events.decode_job(event)
        hook = self._operator.second_hook if is_escalated else self._operator.hook
        self._asked = (hook, job_id)
        with hook:
            outcome = self._outcome(hook, lambda: (job_id, hook.fetch(job_id)))
        if is_escalated:
            return self._finish(cascades.after_second(self._first_outcome(), outcome))
        return self._after_first(outcome)

    def cancel(self) -> None:
        """Cancel the job that the task waits for, if the task has ended."""
        if self._waiting:
            hook, job_id = self._waiting
            cancel.from_worker(self._task_instance, self._operator.log, hook.backend.connect, lambda: [job_id])

    @property
    def job_url(self) -> str:
        """The URL of the task's last job; an empty text without a job at an API."""
        if self._asked is None:
            return ""
        hook, job_id = self._asked
        return hook.job_url(job_id)

    def _job(self, *, second: bool = False) -> TaskJob:
        from airflow_provider_classify.lifecycle import reattach
        from airflow_provider_classify.operators.task_job import TaskJob

        return TaskJob(
            hook=self._operator.second_hook if second else self._operator.hook,
            document=self._document,
            categories=parse_categories(self._operator.categories),
            context=self._context,
            task_id=self._operator.task_id,
            state_key=reattach.ESCALATED_STATE_KEY if second else reattach.STATE_KEY,
            log=self._operator.log,
        )

    def _submit(self, job: TaskJob) -> str:
        job_id = job.reattach_or_submit()
        self._task_instance.xcom_push(key="job_id", value=job_id)
        has_links, self._asked = self._asked is not None, (job.hook, job_id)
        push_links(self._operator, self._context, self.job_url, again=has_links)
        return job_id

    def _ask(self, job: TaskJob, first: Outcome | None = None) -> Outcome:
        """
        Submit the document to a connection and wait.

        :param first: the outcome of the first connection, if this is the second.
        :raises TaskDeferred: the triggerer waits.
        """
        from airflow_provider_classify.triggers.classify import deferral

        operator, hook, since = self._operator, job.hook, time.time()

        def wait() -> tuple[str, Job]:
            job_id = self._submit(job)
            deadline = since + operator.timeout
            wait = polling.Wait(job_id, since=since, deadline=deadline, longest_pause=operator.poll_interval)
            self._waiting = (hook, job_id)
            seen = hook.look(job_id) if operator.deferrable else hook.wait(wait)
            if isinstance(seen, Job) and seen.status.is_terminal:
                metrics.send(measurements.waited(hook.backend_name, time.time() - since))
                return job_id, seen
            # Only a worker can record asset events, and split a packet.
            needs_worker = bool(operator.outlets) or operator.split_to is not None
            can_end = operator.end_from_trigger and operator.do_xcom_push and not needs_worker
            raise deferral(
                hook.classify_conn_id,
                wait,
                end_with_document=self._document.label if can_end else None,
                categories=self._category_names if can_end else None,
                evidence=hook.evidence,
                unreadable_is_result=can_end and operator.on_unreadable == "result",
                cascade=operator.cascade if first is None else None,
                first_answer=None if first is None else first.short(),
            )

        with hook:
            return self._outcome(hook, wait)

    def _outcome(self, hook: ClassifyHook, end: Callable[[], tuple[str, Job]]) -> Outcome:
        """
        Return the outcome of a connection.

        :param end: returns the id of the job and the ended job, or raises an error.
        """
        job_id = None
        try:
            job_id, job = end()
            result = polling.answer(job, self._document.label, self._category_names)
        except ClassifyError as error:
            return Outcome(hook.classify_conn_id, error, job_id)
        return Outcome(hook.classify_conn_id, result if hook.evidence else result.without_text(), job_id)

    def _after_first(self, first: Outcome) -> XComValue:
        cascade = self._operator.cascade
        step = cascades.after_first(cascade, first)
        if isinstance(step, Accept) and cascade and self._job(second=True).is_submitted():
            step = Escalate("an earlier try has submitted it there")
        if not isinstance(step, Escalate):
            return self._finish(step)
        second = self._job(second=True)
        connection, log = self._operator.escalate_to, self._operator.log
        log.info("The document is escalated to the connection %r, because %s.", connection, step.reason)
        self._task_instance.xcom_push(key=FIRST_ANSWER_KEY, value=first.to_json())
        return self._finish(cascades.after_second(first, self._ask(second, first)))

    def _first_outcome(self) -> Outcome:
        """Return the outcome of the first connection, after a deferral."""
        task_instance = self._task_instance
        stored = task_instance.xcom_pull(
            task_ids=task_instance.task_id, key=FIRST_ANSWER_KEY, map_indexes=task_instance.map_index
        )
        if not isinstance(stored, dict):
            raise InvalidCascade(
                f"The XCom {FIRST_ANSWER_KEY!r} of the task {self._operator.task_id!r} is missing; "
                "clear the task, which reattaches to both jobs."
            )
        return Outcome.from_json(stored)

    def _finish(self, step: Accept | Fail) -> XComValue:
        """
        Return the value for XCom, and add it to the asset events of the task.

        :raises ClassifyError: the document has no answer, and the task must fail.
        """
        operator = self._operator
        metrics.send(self._measured(step))
        value = value_of(step, self._document, operator.on_unreadable, operator.log)
        self.answer = value
        operator.asset_outlets.record(self._context, operator.outlets, value)
        self._push_thumbnail(value)
        if operator.split_to is None:
            return value
        self._task_instance.xcom_push(key="result", value=value)
        if isinstance(step, Fail):
            return [value]
        self.parts = operator.hook.split(self._document, value, str(operator.split_to))
        return self.parts

    def _measured(self, step: Accept | Fail) -> measurements.Measurement:
        cascade = self._operator.cascade
        if isinstance(step, Fail):
            is_of_second = cascades.is_escalated(step.fields)
        else:
            is_of_second = cascade is not None and step.fields.get("answered_by") == cascade.second
        hook = self._operator.second_hook if is_of_second else self._operator.hook
        return measurements.ended(hook.backend_name, step.result if isinstance(step, Accept) else step.error)

    def _push_thumbnail(self, value: dict[str, Any]) -> None:
        """Put a small picture of the first page into XCom, for the page that shows the document."""
        if value.get("success") and (picture := self._operator.hook.thumbnail(value)) is not None:
            self._task_instance.xcom_push(key=XCOM_KEY, value=picture)


def lineage_of(document: DocumentLike, task: DocumentTask | None) -> Lineage:
    """
    Return the document, the answer, and the documents of a packet.

    :param task: the run of the operator; ``None`` if it has not run.
    """
    from airflow_provider_classify.lifecycle import lineage  # most tasks run without OpenLineage

    try:
        reference = Document.of(document).reference
    except InvalidDocument:  # a decorated function has not returned it yet
        reference = None
    return lineage.of_document(reference, task.answer if task else None, parts=task.parts if task else [])
