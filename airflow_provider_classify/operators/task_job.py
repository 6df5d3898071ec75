"""Reattach to the job of an earlier try of a task, or submit a new job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError, JobNotFound, TaskStateUnavailable
from airflow_provider_classify.lifecycle import compat, reattach
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.hooks.classify import ClassifyHook


@dataclass(frozen=True)
class TaskJob:
    """
    The job of a task at one connection. It may not be submitted yet.

    :param hook: the hook of the connection.
    :param context: the context of the task.
    :param task_id: the id of the task, for errors.
    :param state_key: the key of the attempt in the task's state.
    :param log: the log of the task.
    """

    hook: ClassifyHook
    document: Document
    categories: Sequence[Category]
    context: Context
    task_id: str
    state_key: str
    log: Any

    def is_submitted(self) -> bool:
        """
        Return whether an earlier try has sent this document to the connection, or was about to send it.

        :raises TaskStateUnavailable: the state cannot be read, and a second submit costs money.
        """
        last = self._read()
        return last is not None and last.fingerprint == self._fingerprint

    def reattach_or_submit(self) -> str:
        """Return the id of the job of an earlier try, or of a new one. :raises ClassifyError: the submit failed."""
        step = self._decide(self._read())
        if isinstance(step, reattach.Reattach):
            self.log.info("The task reattaches to its job %s.", step.job_id)
            return step.job_id
        job_id = self._submit(step)
        if self._store is None:
            # The number of failed attempts is part of the key, and it is unknown without the task's state. So the
            # server may have found the failed job of an earlier try by the key. Then the next key is used.
            for _ in range(1, self.context["ti"].try_number):
                step = self._decide(replace(step.attempt, job_id=job_id))
                if isinstance(step, reattach.Reattach):
                    break
                job_id = self._submit(step)
        return job_id

    @cached_property
    def _fingerprint(self) -> str:
        return reattach.fingerprint(
            self.document.fingerprint(),
            self.categories,
            f"{self.hook.classify_conn_id} {self.hook.backend.identity(self.categories)}",
        )

    @cached_property
    def _store(self) -> reattach.StateStore | None:
        return compat.task_state_store(self.context)

    def _read(self) -> reattach.Attempt | None:
        if self._store is not None:
            with self._ignore_state_errors_if_free():
                return reattach.read(self._store, self.task_id, self.state_key)
        return None

    def _decide(self, last: reattach.Attempt | None) -> reattach.Reattach | reattach.Submit:
        job_id = reattach.job_to_look_at(last, self._fingerprint)
        try:
            seen: Job | ClassifyError | None = self.hook.look(job_id) if job_id else None
        except JobNotFound as error:
            seen = error
        return reattach.decide(last, self._fingerprint, seen, reattach.address(self.context["ti"]))

    def _submit(self, step: reattach.Submit) -> str:
        self.log.info("The document is submitted, because %s.", step.reason)
        self._record(step.attempt)
        key = step.attempt.idempotency_key
        job_id = self.hook.submit(self.document, self.categories, key).job_id
        self._record(replace(step.attempt, job_id=job_id))
        return job_id

    def _record(self, attempt: reattach.Attempt) -> None:
        if self._store is not None:
            with self._ignore_state_errors_if_free():
                reattach.write(self._store, attempt, self.task_id, self.state_key)

    @contextmanager
    def _ignore_state_errors_if_free(self) -> Iterator[None]:
        """Continue without Airflow's task state store if a second submit costs nothing. Otherwise raise its error."""
        try:
            yield
        except TaskStateUnavailable as error:
            if not self.hook.backend.resubmit_is_free:
                raise
            self.log.warning("%s The task continues without its state, because the local engine costs nothing.", error)
