"""The operator that classifies one document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, InvalidCascade, InvalidDocument
from airflow_provider_classify.hooks.classify import WAIT_TIMEOUT
from airflow_provider_classify.lifecycle import cancel, compat, fail_fast, lineage, metrics, reattach
from airflow_provider_classify.lifecycle.lineage import Lineage
from airflow_provider_classify.lifecycle.map_label import map_label
from airflow_provider_classify.lifecycle.thumbnail_route import XCOM_KEY
from airflow_provider_classify.local import thumbnails
from airflow_provider_classify.model import cascade as cascades
from airflow_provider_classify.model import events, measurements, polling
from airflow_provider_classify.model.cascade import Accept, Escalate, Fail, Outcome
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.operators.answer import value_of
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.checks import check_document, check_split_to
from airflow_provider_classify.operators.links import JOB_LINKS, push_links
from airflow_provider_classify.operators.task_job import TaskJob
from airflow_provider_classify.triggers.classify import deferral

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.hooks.classify import ClassifyHook

#: The result of a document, or the list of the documents of a packet.
XComValue = dict[str, Any] | list[dict[str, Any]]
#: The key in XCom under which a task keeps the outcome of the first connection while the second works.
FIRST_ANSWER_KEY = "first_answer"


class ClassifyOperator(ClassifyBaseOperator):
    """
    Classify a document into one of the categories.

    XCom gets the result as a JSON object: ``job_id``, ``document`` and the fields of the API's result (``success``,
    ``classification``, ``confidence``, ``total_pages``, ``page_results`` …). ``document`` is the document's label,
    without the password and signature of a URL. After the submit, XCom also gets the job id under the key ``job_id``.

    With the local engine, the job has ended when the submit returns. With an API, the operator waits on its worker
    slot, or it asks once and then defers to the triggerer.

    With Airflow 3.3 or later, the task's state keeps the job. After a retry or a clear, the task reattaches to it: it
    waits for a running job, and gets the result of a completed one at once. It submits the document again only if the
    job failed, or if document, categories or connection have changed. With an older Airflow, a retry submits again,
    and an API that does not honour the ``Idempotency-Key`` may charge again.

    With ``on_unreadable="result"``, the task succeeds for a document that cannot be read. XCom then gets ``success``
    false, ``error``, ``error_kind``, and ``null`` as the ``classification``.

    With ``escalate_to`` the task has up to two jobs, and a retry reattaches to both. XCom also gets ``answered_by``,
    the connection that gave the answer. If the document was escalated, XCom gets a short ``first_answer``, and the
    second job under the key ``job_id``. If the second connection cannot classify the document, the first answer
    stands, with an ``escalation_error``. After any other error of the second connection, such as a used-up quota, the
    task fails or is retried.

    An error that is not retryable, such as a wrong api key or a damaged document, fails the task without a retry.

    The other parameters are those of :class:`ClassifyBaseOperator`.

    :param document: a local path, object-storage URI (``s3://conn_id@bucket/key``) or http(s) URL, which an API
        fetches itself. It can also be an ``os.PathLike`` or an ``ObjectStoragePath``. Templated.
    :param wait_for_completion: ``False`` ends the task after the submit, with the job id in XCom. It cannot be combined
        with ``on_unreadable``, because the task does not see how the job ends.
    :param timeout: seconds after which the wait ends with ``JobTimedOut``. The job continues, and a retry waits for
        the job again, for the same time.
    :param end_from_trigger: let the triggerer write the result to XCom and end the task. This saves the second start
        of the task on a worker, which takes seconds. ``post_execute`` does not run then, and the answer is not
        logged. The task still resumes on a worker with Airflow 2.x, if it has ``outlets``, and after a failure.
    :param split_to: a folder or object-storage URI for the documents of a packet, each as a PDF of its own. XCom then
        gets their list, to be mapped over: ``document`` (the path of the PDF), ``category``, ``pages``,
        ``confidence`` and ``packet``. The result has the key ``result`` in XCom. Set ``max_pages`` of the connection
        to ``all``. The task resumes on a worker after a deferral. Templated.
    """

    template_fields: Sequence[str] = ("document", "categories", "classify_conn_id", "escalate_to", "split_to")
    ui_color = "#dbeafe"
    operator_extra_links = JOB_LINKS

    def __init__(
        self,
        *,
        document: DocumentLike,
        wait_for_completion: bool = True,
        timeout: float = WAIT_TIMEOUT,
        end_from_trigger: bool = False,
        split_to: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.document = check_document(document, self.task_id)
        if self.asset_outlets.alias is not None and not wait_for_completion:
            raise ValueError(
                f"The task {self.task_id!r} has outlet_by_category and does not wait for the result; "
                "remove wait_for_completion=False, or remove outlet_by_category."
            )
        if not wait_for_completion and self.on_unreadable != "fail":
            raise ValueError(
                f"The task {self.task_id!r} has on_unreadable={self.on_unreadable!r} and does not wait for its job; "
                "leave out wait_for_completion=False or on_unreadable."
            )
        self.wait_for_completion = wait_for_completion
        if self.escalate_to is not None and not wait_for_completion:
            raise InvalidCascade(
                f"Task {self.task_id!r} has escalate_to without wait_for_completion; it must wait for the first answer."
            )
        self.end_from_trigger = end_from_trigger
        check_split_to(split_to, self.task_id, waits=wait_for_completion)
        self.split_to = split_to
        self._answer: dict[str, Any] | None = None  # the result, for the lineage
        self._parts: list[dict[str, Any]] = []  # the documents of a packet
        self._asked: tuple[ClassifyHook, str] | None = None  # the last connection that was asked, and the job there
        self._waiting: tuple[Any, ClassifyHook, str] | None = None  # the task instance and its job, to cancel

    def execute(self, context: Context) -> XComValue | str:
        """
        Reattach to the job of an earlier try or submit the document. Then wait, if ``wait_for_completion`` is set.

        :returns: the result, or the job id without ``wait_for_completion``.
        """
        with fail_fast.fail_without_retry():
            if not self.wait_for_completion:
                with self.hook:
                    return self._submit(context, self._job(context))
            first = self._ask(context, self._job(context))
            return self._after_first(context, first)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> XComValue:
        """Resume after the trigger's event, and fetch the result, which the event does not contain."""
        with fail_fast.fail_without_retry():
            is_escalated, job_id = events.is_escalated(event), events.decode_job(event)
            hook = self.second_hook if is_escalated else self.hook
            self._asked = (hook, job_id)
            with hook:
                outcome = self._outcome(hook, lambda: (job_id, hook.fetch(job_id)))
            if is_escalated:
                return self._after_second(context, self._first_outcome(context), outcome)
            return self._after_first(context, outcome)

    def on_kill(self) -> None:
        """Cancel the job if the task has ended and the API has a cancel. Otherwise keep it for the next try."""
        if self._waiting:
            task_instance, hook, job_id = self._waiting
            cancel.from_worker(task_instance, self.log, hook.backend.connect, lambda: [job_id])

    @property
    def map_label(self) -> str:
        """The name of the document."""
        return map_label(self.document)

    def lineage(self) -> Lineage:
        """Return the document, the answer, and the documents of a packet."""
        try:
            reference = Document.of(self.document).reference
        except InvalidDocument:  # a decorated function has not returned it yet
            reference = None
        return lineage.of_document(reference, self._answer, parts=self._parts)

    @property
    def job_url(self) -> str:
        """The URL of the task's last job, for the link in Airflow's UI; an empty text without a job at an API."""
        if self._asked is None:
            return ""
        hook, job_id = self._asked
        return hook.job_url(job_id)

    def _job(self, context: Context, *, second: bool = False) -> TaskJob:
        return TaskJob(
            hook=self.second_hook if second else self.hook,
            document=Document.of(self.document),
            categories=parse_categories(self.categories),
            context=context,
            task_id=self.task_id,
            state_key=reattach.ESCALATED_STATE_KEY if second else reattach.STATE_KEY,
            log=self.log,
        )

    def _submit(self, context: Context, job: TaskJob) -> str:
        job_id = job.reattach_or_submit()
        context["ti"].xcom_push(key="job_id", value=job_id)
        self._asked = (job.hook, job_id)
        push_links(context, self.job_url)
        return job_id

    def _ask(self, context: Context, job: TaskJob, first: Outcome | None = None) -> Outcome:
        """
        Submit the document to a connection and wait.

        :param first: the outcome of the first connection, if this is the second.
        :raises TaskDeferred: the triggerer waits.
        """
        hook, since = job.hook, time.time()

        def wait() -> tuple[str, Job]:
            job_id = self._submit(context, job)
            wait = polling.Wait(job_id, since=since, deadline=since + self.timeout, longest_pause=self.poll_interval)
            self._waiting = (context["ti"], hook, job_id)
            seen = hook.look(job_id) if self.deferrable else hook.wait(wait)
            if isinstance(seen, Job) and seen.status.is_terminal:
                metrics.send(measurements.waited(hook.backend_name, time.time() - since))
                return job_id, seen
            # Only a worker can record asset events.
            can_end = self.end_from_trigger and self.do_xcom_push and not self.outlets and self.split_to is None
            raise deferral(
                hook.classify_conn_id,
                wait,
                end_with_document=Document.of(self.document).label if can_end else None,
                categories=self._category_names if can_end else None,
                evidence=hook.evidence,
                unreadable_is_result=can_end and self.on_unreadable == "result",
                cascade=self.cascade if first is None else None,
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
            result = polling.answer(job, Document.of(self.document).label, self._category_names)
        except ClassifyError as error:
            return Outcome(hook.classify_conn_id, error, job_id)
        return Outcome(hook.classify_conn_id, result if hook.evidence else result.without_text(), job_id)

    def _after_first(self, context: Context, first: Outcome) -> XComValue:
        step = cascades.after_first(self.cascade, first)
        if isinstance(step, Accept) and self.cascade and self._job(context, second=True).is_submitted():
            step = Escalate("an earlier try has submitted it there")
        if not isinstance(step, Escalate):
            return self._finish(context, step)
        second = self._job(context, second=True)
        self.log.info("The document is escalated to the connection %r, because %s.", self.escalate_to, step.reason)
        context["ti"].xcom_push(key=FIRST_ANSWER_KEY, value=first.to_json())
        return self._after_second(context, first, self._ask(context, second, first))

    def _after_second(self, context: Context, first: Outcome, second: Outcome) -> XComValue:
        return self._finish(context, cascades.after_second(first, second))

    def _first_outcome(self, context: Context) -> Outcome:
        """Return the outcome of the first connection, after a deferral."""
        task_instance = context["ti"]
        stored = task_instance.xcom_pull(
            task_ids=task_instance.task_id, key=FIRST_ANSWER_KEY, map_indexes=task_instance.map_index
        )
        if not isinstance(stored, dict):
            raise InvalidCascade(
                f"The XCom {FIRST_ANSWER_KEY!r} of the task {self.task_id!r} is missing; clear the task, which "
                "reattaches to both jobs."
            )
        return Outcome.from_json(stored)

    def _finish(self, context: Context, step: Accept | Fail) -> XComValue:
        """
        Return the value for XCom, and add it to the asset events of the task.

        :raises ClassifyError: the document has no answer, and the task must fail.
        """
        metrics.send(self._measured(step))
        value = value_of(step, Document.of(self.document), self.on_unreadable, self.log)
        self._answer = value
        self.asset_outlets.record(context, self.outlets, value)
        self._push_thumbnail(context, value)
        if self.split_to is None:
            return value
        context["ti"].xcom_push(key="result", value=value)
        if isinstance(step, Fail):
            return [value]
        self._parts = self.hook.split(self.document, value, str(self.split_to))
        return self._parts

    def _measured(self, step: Accept | Fail) -> measurements.Measurement:
        if isinstance(step, Fail):
            is_of_second = cascades.is_escalated(step.fields)
        else:
            is_of_second = self.cascade is not None and step.fields.get("answered_by") == self.cascade.second
        hook = self.second_hook if is_of_second else self.hook
        return measurements.ended(hook.backend_name, step.result if isinstance(step, Accept) else step.error)

    def _push_thumbnail(self, context: Context, value: dict[str, Any]) -> None:
        """Put a small picture of the first page into XCom, for the page with the documents in Airflow's UI."""
        if value.get("success") and (picture := self.hook.thumbnail(value)) is not None:
            context["ti"].xcom_push(key=XCOM_KEY, value=picture)

    @property
    def draws_thumbnails(self) -> bool:
        """Whether XCom gets a small picture of the first page."""
        return compat.has_pages() and bool(self.do_xcom_push) and thumbnails.are_wanted()

    @property
    def _category_names(self) -> list[str]:
        return [category.name for category in parse_categories(self.categories)]
