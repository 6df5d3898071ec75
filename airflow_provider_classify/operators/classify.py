"""The operator that classifies one document."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.documents.document import Document, DocumentLike
from airflow_provider_classify.exceptions import ClassifyError, JobNotFound, TaskStateUnavailable
from airflow_provider_classify.hooks.classify import WAIT_TIMEOUT
from airflow_provider_classify.lifecycle import cancel, compat, fail_fast, reattach, unreadable
from airflow_provider_classify.model import events, polling
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.checks import check_document
from airflow_provider_classify.triggers.classify import deferral

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskDeferred


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
    false, ``error``, ``error_kind`` and no ``classification``.

    An error that is not retryable, such as a wrong api key or a damaged document, fails the task without a retry.

    :param document: a local path, object-storage URI (``s3://conn_id@bucket/key``) or http(s) URL, which an API
        fetches itself. It can also be an ``os.PathLike`` or an ``ObjectStoragePath``. Templated.
    :param wait_for_completion: ``False`` ends the task after the submit, with the job id in XCom. It excludes
        ``on_unreadable``, because the task does not see how the job ends.
    :param timeout: seconds after which the wait ends with ``JobTimedOut``. The job continues, and a retry waits for
        it again, for the same time.
    :param end_from_trigger: let the triggerer write the result to XCom and end the task. This saves the second start
        of the task on a worker, which takes seconds. ``post_execute`` does not run then, and the answer is not
        logged. The task still resumes on a worker with Airflow 2.x, if it has ``outlets``, and after a failure.

    The other parameters are those of :class:`ClassifyBaseOperator`.
    """

    template_fields: Sequence[str] = ("document", "categories", "classify_conn_id")
    ui_color = "#dbeafe"

    def __init__(
        self,
        *,
        document: DocumentLike,
        wait_for_completion: bool = True,
        timeout: float = WAIT_TIMEOUT,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.document = check_document(document, self.task_id)
        if not wait_for_completion and self.on_unreadable != "fail":
            raise ValueError(
                f"The task {self.task_id!r} has on_unreadable={self.on_unreadable!r} and does not wait for its job; "
                "leave out wait_for_completion=False or on_unreadable."
            )
        self.wait_for_completion = wait_for_completion
        self.end_from_trigger = end_from_trigger
        self._waiting: tuple[Any, str] | None = None  # the task instance and its job, to cancel

    def execute(self, context: Context) -> dict[str, Any] | str:
        """
        Reattach to the job of an earlier try or submit the document. Then wait, if ``wait_for_completion`` is set.

        :returns: the result, or the job id without ``wait_for_completion``.
        """
        with fail_fast.fail_without_retry(), self.hook:
            since = time.time()
            try:
                job_id = self._reattach_or_submit(context)
            except ClassifyError as error:
                return self._unreadable(error)
            context["ti"].xcom_push(key="job_id", value=job_id)
            if not self.wait_for_completion:
                return job_id
            wait = polling.Wait(job_id, since=since, deadline=since + self.timeout, longest_pause=self.poll_interval)
            self._waiting = (context["ti"], job_id)
            if not self.deferrable:
                return self._result(self.hook.wait(wait))
            seen = self.hook.look(job_id)
            if isinstance(seen, Job) and seen.status.is_terminal:
                return self._result(seen)
            raise self._deferral(wait)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Resume after the trigger's event, which contains no result, and fetch it."""
        with fail_fast.fail_without_retry(), self.hook:
            return self._result(self.hook.fetch(events.decode_job(event)))

    def on_kill(self) -> None:
        """Cancel the job if the task has ended and the API has a cancel. Otherwise keep it for the next try."""
        if self._waiting:
            task_instance, job_id = self._waiting
            cancel.from_worker(task_instance, self.log, self.hook.backend.connect, lambda: [job_id])

    def _reattach_or_submit(self, context: Context) -> str:
        """Return the id of the job of an earlier try, or of a new one."""
        fingerprint = reattach.fingerprint(
            Document.of(self.document).fingerprint(),
            parse_categories(self.categories),
            f"{self.classify_conn_id} {self.hook.backend.identity()}",
        )
        store: reattach.StateStore | None = compat.task_state_store(context)
        last = None
        if store is not None:
            with self._ignore_state_errors_if_free():
                last = reattach.read(store, self.task_id)
        address = reattach.address(context["ti"])
        step = self._decide(last, fingerprint, address)
        if isinstance(step, reattach.Reattach):
            self.log.info("The task reattaches to its job %s.", step.job_id)
            return step.job_id
        job_id = self._submit(step, store)
        if store is None:
            # The server may have found the job of an earlier try by the key. That job may have failed.
            for _ in range(1, context["ti"].try_number):
                step = self._decide(replace(step.attempt, job_id=job_id), fingerprint, address)
                if isinstance(step, reattach.Reattach):
                    break
                job_id = self._submit(step, store)
        return job_id

    def _decide(
        self, last: reattach.Attempt | None, fingerprint: str, address: str
    ) -> reattach.Reattach | reattach.Submit:
        job_id = reattach.job_to_look_at(last, fingerprint)
        try:
            seen: Job | ClassifyError | None = self.hook.look(job_id) if job_id else None
        except JobNotFound as error:
            seen = error
        return reattach.decide(last, fingerprint, seen, address)

    def _submit(self, step: reattach.Submit, store: reattach.StateStore | None) -> str:
        self.log.info("The task submits a job: %s.", step.reason)
        self._record(store, step.attempt)
        job_id = self.hook.submit(self.document, self.categories, step.attempt.idempotency_key).job_id
        self._record(store, replace(step.attempt, job_id=job_id))
        return job_id

    def _record(self, store: reattach.StateStore | None, attempt: reattach.Attempt) -> None:
        if store is not None:
            with self._ignore_state_errors_if_free():
                reattach.write(store, attempt, self.task_id)

    @contextmanager
    def _ignore_state_errors_if_free(self) -> Iterator[None]:
        """Continue without Airflow's task state store if a second submit costs nothing. Otherwise raise its error."""
        try:
            yield
        except TaskStateUnavailable as error:
            if not self.hook.backend.resubmit_is_free:
                raise
            self.log.warning("%s The task continues without its state, because the local engine costs nothing.", error)

    def _deferral(self, wait: polling.Wait) -> TaskDeferred:
        # Only a worker can record asset events.
        if not self.end_from_trigger or not self.do_xcom_push or self.outlets:
            return deferral(self.classify_conn_id, wait)
        return deferral(
            self.classify_conn_id,
            wait,
            Document.of(self.document).label,
            [category.name for category in parse_categories(self.categories)],
            evidence=self.hook.evidence,
            unreadable_is_result=self.on_unreadable == "result",
        )

    def _result(self, job: Job) -> dict[str, Any]:
        """Return the value for XCom of a job that has ended."""
        try:
            return self.hook.answer(job, self.document, self.categories)
        except ClassifyError as error:
            return self._unreadable(error, job.job_id)

    def _unreadable(self, error: ClassifyError, job_id: str | None = None) -> dict[str, Any]:
        """Return the value for XCom of a document that cannot be read; raise all other errors."""
        label = Document.of(self.document).label if error.unreadable else ""
        value = unreadable.handle(error, self.on_unreadable, job_id=job_id, document=label)
        self.log.warning("The task succeeds without a classification: %s", error)
        return value
