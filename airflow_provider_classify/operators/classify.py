"""The operator: classify one document and put the result in XCom."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_classify import polling, retries
from airflow_provider_classify.contract import Job, parse_categories
from airflow_provider_classify.documents import Document
from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.hooks.classify import DEFAULT_CONN_ID, ClassifyHook
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

    A retry submits the document again, and an API may charge for it again; a wait that timed out is
    better taken up by a ``ClassifySensor`` on the ``job_id`` in XCom. Errors that no retry can mend
    (a wrong key, a damaged document) fail the task at once.

    :param document: local path, object-storage URI (``s3://conn_id@bucket/key``) or http(s) URL, which
        the API fetches itself. Templated.
    :param categories: names or ``{"name", "description"}`` objects, also as JSON text. Checked when
        the DAG is parsed, as far as it is no template. Templated.
    :param classify_conn_id: a connection of type ``classify``. Templated.
    :param wait_for_completion: ``False`` ends the task after the submit, with the job id in XCom.
    :param deferrable: wait in the triggerer; by default as ``[operators] default_deferrable`` says.
    :param timeout: seconds after the submit at which waiting ends with ``JobTimedOut``. The job is
        left to itself.
    :param poll_interval: seconds that the pauses between two looks grow to, from 1 s and doubling.
    """

    template_fields: Sequence[str] = ("document", "categories", "classify_conn_id")
    ui_color = "#dbeafe"

    def __init__(
        self,
        *,
        document: str,
        categories: Sequence[str | dict[str, str]] | str,
        classify_conn_id: str = DEFAULT_CONN_ID,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: float = 3600.0,
        poll_interval: float = polling.LONGEST_PAUSE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_when_parsed(categories)
        if timeout <= 0:
            raise ValueError(f"The timeout of {self.task_id!r} is {timeout}; give a number of seconds above 0.")
        if poll_interval < polling.SHORTEST_PAUSE:
            raise ValueError(f"The poll_interval of {self.task_id!r} is {poll_interval}; give at least 1 second.")
        self.document = document
        self.categories = categories
        self.classify_conn_id = classify_conn_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.timeout = timeout
        self.poll_interval = poll_interval

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the operator's connection."""
        return ClassifyHook(self.classify_conn_id)

    def execute(self, context: Context) -> dict[str, Any] | str:
        """
        Submit, and wait if asked to.

        :returns: the result, or the job id without ``wait_for_completion``.
        """
        with retries.only_if_useful():
            since = time.time()
            job_id = self.hook.submit(self.document, self.categories).job_id
            context["ti"].xcom_push(key="job_id", value=job_id)
            if not self.wait_for_completion:
                return job_id
            wait = polling.Wait(job_id, since=since, deadline=since + self.timeout, longest_pause=self.poll_interval)
            if not self.deferrable:
                return self._result(self.hook.wait(wait))
            seen = self.hook.look(job_id)
            if isinstance(seen, Job) and seen.status.is_terminal:
                return self._result(seen)
        raise deferral(self.classify_conn_id, wait)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Resume after the trigger's event: fetch the result, which does not travel in the event."""
        with retries.only_if_useful():
            return self._result(self.hook.fetch(polling.from_event(event)))

    def _result(self, job: Job) -> dict[str, Any]:
        result = polling.answer(job, Document(self.document).label)
        self.log.info(
            "%s is %s (confidence %.2f).", Document(self.document).label, result.classification, result.confidence
        )
        return {"job_id": job.job_id, "document": self.document, **result.to_json()}


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
