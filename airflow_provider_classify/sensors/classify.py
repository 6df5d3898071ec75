"""The sensor that waits for a job and puts its result in XCom."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_classify.exceptions import ClassifyError, JobTimedOut
from airflow_provider_classify.hooks.defaults import DEFAULT_CONN_ID
from airflow_provider_classify.lifecycle import fail_fast
from airflow_provider_classify.model import events
from airflow_provider_classify.model.api_contract import LONGEST_PAUSE, SHORTEST_PAUSE
from airflow_provider_classify.operators.checks import check_evidence
from airflow_provider_classify.operators.links import JOB_LINKS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.hooks.classify import ClassifyHook


class ClassifySensor(BaseSensorOperator):
    """
    Wait until a classification job has ended.

    ``ClassifyOperator(wait_for_completion=False)`` or another program has submitted the job. The sensor submits
    nothing, so a retry costs nothing. XCom gets ``job_id`` and the fields of the result.

    :param job_id: the id of the job, usually from another task's XCom. Templated.
    :param classify_conn_id: the connection that the job was submitted with. Templated.
    :param evidence: whether the result contains text of the document. By default the connection decides.
    :param deferrable: whether to wait in the triggerer. The default is ``[operators] default_deferrable``.
    :param poke_interval: seconds between two requests for the job. If the sensor is deferred, this is the longest
        pause; the pauses begin with 1 s and double.
    """

    operator_extra_links = JOB_LINKS
    template_fields: Sequence[str] = ("job_id", "classify_conn_id")
    ui_color = "#dbeafe"

    def __init__(
        self,
        *,
        job_id: str,
        classify_conn_id: str = DEFAULT_CONN_ID,
        evidence: bool | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = LONGEST_PAUSE,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.job_id = job_id
        check_evidence(evidence, self.task_id)
        self.classify_conn_id = classify_conn_id
        self.evidence = evidence
        self.deferrable = deferrable

    @property
    def job_url(self) -> str:
        """The URL of the job, for its link; an empty string for a backend that is not an API."""
        return self.hook.job_url(self.job_id)

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the sensor's connection."""
        # A DAG file imports this module. The imports in this class would make it slow to parse.
        from airflow_provider_classify.hooks.classify import ClassifyHook

        return ClassifyHook(self.classify_conn_id, evidence=self.evidence)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Request the job once. After a retryable error return ``False``, so that the sensor requests it again."""
        from airflow_provider_classify.hooks.waiting import describe

        with fail_fast.fail_without_retry():
            seen = self.hook.look(self.job_id)
            if isinstance(seen, ClassifyError):
                self.log.warning("%s; asking again later.", describe(self.job_id, seen))
                return False
            self.log.info("%s.", describe(self.job_id, seen))
            return seen.status.is_terminal and PokeReturnValue(is_done=True, xcom_value=self.hook.answer(seen))

    def execute(self, context: Context) -> Any:
        """Wait on the worker, or request the job once and defer."""
        with self.hook:
            if not self.deferrable:
                return super().execute(context)
            first = self.poke(context)
        if isinstance(first, PokeReturnValue):
            return first.xcom_value
        from airflow_provider_classify.model import polling
        from airflow_provider_classify.triggers.classify import deferral

        now = time.time()
        wait = polling.Wait(
            self.job_id,
            since=now,
            deadline=now + self.timeout,
            longest_pause=max(SHORTEST_PAUSE, self.poke_interval),
        )
        raise deferral(self.classify_conn_id, wait)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Resume after the trigger's event.

        :raises AirflowSensorTimeout: the job had not ended at the deadline. With ``soft_fail``, an
            ``AirflowSkipException`` is raised instead.
        """
        try:
            with fail_fast.fail_without_retry(), self.hook:
                return self.hook.answer(self.hook.fetch(events.decode_job(event)))
        except JobTimedOut as error:
            if self.soft_fail:
                raise AirflowSkipException(str(error)) from error
            raise AirflowSensorTimeout(str(error)) from error
