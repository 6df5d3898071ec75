"""The operator: classify one document and put the result in XCom."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, InvalidCategories, JobNotFound
from airflow_provider_classify.hooks.classify import DEFAULT_CONN_ID, ClassifyHook
from airflow_provider_classify.lifecycle import cancel, compat, fail_fast, reattach
from airflow_provider_classify.model import events, waiting
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.model.contract import Job
from airflow_provider_classify.model.xcom import xcom_value
from airflow_provider_classify.triggers.classify import deferral

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class ClassifyOperator(BaseOperator):
    """
    Classify a document into one of the given categories.

    XCom gets the result as plain JSON: ``job_id``, ``document`` and the fields of the API's result
    (``success``, ``classification``, ``confidence``, ``total_pages``, ``page_results`` …). The job
    id is also pushed on its own, under the key ``job_id``, as soon as there is one.

    The local engine is done when the submit returns. With an API the operator looks once, and if
    the job still runs it waits: holding its worker slot, or deferred to the triggerer.

    With Airflow 3.3 or later the job is kept in the task's state. A retry, and a clear, take it up: one that
    runs is waited for, one that is completed gives its result at once. The document is submitted again only
    after a job that failed, or if document, categories or connection have changed. With an older
    Airflow a retry submits again, and an API that does not honour the ``Idempotency-Key`` may charge again.

    Errors that no retry can mend (a wrong key, a damaged document) fail the task at once.

    :param document: local path, object-storage URI (``s3://conn_id@bucket/key``) or http(s) URL, which
        the API fetches itself. Templated.
    :param categories: names or ``{"name", "description", "examples"}`` objects, also as JSON text. Checked when
        the DAG is parsed, as far as it is no template. Templated.
    :param classify_conn_id: a connection of type ``classify``. Templated.
    :param wait_for_completion: ``False`` ends the task after the submit, with the job id in XCom.
    :param deferrable: wait in the triggerer; by default as ``[operators] default_deferrable`` says.
    :param timeout: seconds after which waiting ends with ``JobTimedOut``. The job is left to itself, and a
        retry waits for it as long again.
    :param poll_interval: seconds that the pauses between two looks grow to, from 1 s and doubling.
    :param end_from_trigger: let the triggerer write the result to XCom and end the task, which saves the task's
        second start: seconds each, and many more on a busy Airflow. What only a worker does is left out
        then: ``post_execute``, the log line with the answer. Where Airflow cannot (2.x), where the task has
        ``outlets``, and after a failure, the task resumes as ever.
    """

    template_fields: Sequence[str] = ("document", "categories", "classify_conn_id")
    ui_color = "#dbeafe"

    def __init__(
        self,
        *,
        document: str,
        categories: Sequence[str | dict[str, Any]] | str,
        classify_conn_id: str = DEFAULT_CONN_ID,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: float = 3600.0,
        poll_interval: float = waiting.LONGEST_PAUSE,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_when_parsed(categories)
        if timeout <= 0:
            raise ValueError(f"The timeout of {self.task_id!r} is {timeout}; give a number of seconds above 0.")
        if poll_interval < waiting.SHORTEST_PAUSE:
            raise ValueError(f"The poll_interval of {self.task_id!r} is {poll_interval}; give at least 1 second.")
        self.document = document
        self.categories = categories
        self.classify_conn_id = classify_conn_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.end_from_trigger = end_from_trigger
        self._waiting: tuple[Any, str] | None = None  # the task instance and its job, while there is one to kill

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the operator's connection."""
        return ClassifyHook(self.classify_conn_id)

    def execute(self, context: Context) -> dict[str, Any] | str:
        """
        Submit, or take the job of an earlier try up; and wait if asked to.

        :returns: the result, or the job id without ``wait_for_completion``.
        """
        with fail_fast.only_if_useful(), self.hook:
            since = time.time()
            job_id = self._job_of(context)
            context["ti"].xcom_push(key="job_id", value=job_id)
            if not self.wait_for_completion:
                return job_id
            wait = waiting.Wait(job_id, since=since, deadline=since + self.timeout, longest_pause=self.poll_interval)
            self._waiting = (context["ti"], job_id)
            if not self.deferrable:
                return self._result(self.hook.wait(wait))
            seen = self.hook.look(job_id)
            if isinstance(seen, Job) and seen.status.is_terminal:
                return self._result(seen)
        if self._can_end_from_trigger:
            raise deferral(self.classify_conn_id, wait, Document(self.document).label, self._category_names)
        raise deferral(self.classify_conn_id, wait)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Resume after the trigger's event: fetch the result, which does not travel in the event."""
        with fail_fast.only_if_useful(), self.hook:
            return self._result(self.hook.fetch(events.decode_job(event)))

    def on_kill(self) -> None:
        """Cancel the job where nobody wants it any more and the API can; else leave it to the next try."""
        if self._waiting:
            task_instance, job_id = self._waiting
            cancel.from_worker(task_instance, self.log, self.hook.backend.connect, lambda: [job_id])

    def _job_of(self, context: Context) -> str:
        """Give the job of an earlier try, or submit."""
        wanted = reattach.fingerprint(
            Document(self.document).fingerprint(),
            parse_categories(self.categories),
            f"{self.classify_conn_id} {self.hook.backend.identity()}",
        )
        store: reattach.StateStore | None = compat.task_state_store(context)
        record = None if store is None else reattach.read(store, self.task_id)
        address = reattach.address(context["ti"])
        step = self._decide(record, wanted, address)
        if isinstance(step, reattach.Reattach):
            self.log.info("The task takes its job %s up.", step.job_id)
            return step.job_id
        job_id = self._submit(step, store)
        if store is None:
            # By its key a server may have given the job of an earlier try, and that may have failed.
            for _ in range(1, context["ti"].try_number):
                step = self._decide(replace(step.intent, job_id=job_id), wanted, address)
                if isinstance(step, reattach.Reattach):
                    break
                job_id = self._submit(step, store)
        return job_id

    def _decide(self, record: reattach.Record | None, wanted: str, address: str) -> reattach.Reattach | reattach.Submit:
        job_id = reattach.known_job(record, wanted)
        try:
            seen: Job | ClassifyError | None = self.hook.look(job_id) if job_id else None
        except JobNotFound as error:
            seen = error
        return reattach.decide(record, wanted, seen, address)

    def _submit(self, step: reattach.Submit, store: reattach.StateStore | None) -> str:
        self.log.info("The task submits a job: %s.", step.why)
        if store is not None:
            reattach.write(store, step.intent, self.task_id)
        job_id = self.hook.submit(self.document, self.categories, step.intent.idempotency_key).job_id
        if store is not None:
            reattach.write(store, replace(step.intent, job_id=job_id), self.task_id)
        return job_id

    @property
    def _can_end_from_trigger(self) -> bool:
        return self.end_from_trigger and self.do_xcom_push and not self.outlets  # only a worker tells assets

    @property
    def _category_names(self) -> list[str]:
        return [category.name for category in parse_categories(self.categories)]

    def _result(self, job: Job) -> dict[str, Any]:
        label = Document(self.document).label
        result = waiting.answer(job, label, self._category_names)
        self.log.info("%s is %s (confidence %.2f).", label, result.classification, result.confidence)
        return xcom_value(result, job.job_id, label)


def check_when_parsed(categories: object) -> None:
    """
    Check what can be checked before anything is rendered.

    A template, also one among plain names, and another task's output are checked when they are
    rendered, by the hook.

    :raises InvalidCategories: when the DAG is parsed, so that the DAG shows an import error.
    """
    if isinstance(categories, str):
        if "{{" not in categories and "{%" not in categories:
            parse_categories(categories)
    elif isinstance(categories, (list, tuple)):
        if not _has_template(categories):
            parse_categories(categories)
    elif isinstance(categories, (bytes, dict, set, int, float)) or categories is None:
        raise InvalidCategories(
            f"Categories must be a list of names, not {type(categories).__name__}; give at least one."
        )


def _has_template(categories: Sequence[object]) -> bool:
    return "{{" in (text := json.dumps(categories, default=str)) or "{%" in text
