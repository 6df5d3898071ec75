"""The base class of the operators: their common arguments, the checks of these, and the hook."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_classify.hooks.classify import DEFAULT_CONN_ID, ClassifyHook
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import CategoriesLike
from airflow_provider_classify.operators.checks import check_categories, check_evidence, check_on_unreadable


class ClassifyBaseOperator(BaseOperator):
    """
    Base of the operators that classify.

    :param categories: names or ``{"name", "description", "examples"}`` objects, an object
        ``{name: description}``, or the JSON text of these. They are checked when the DAG is parsed, unless they are a
        template. Templated.
    :param timeout: seconds after which the wait ends, above 0.
    :param classify_conn_id: a connection of type ``classify``. Templated.
    :param deferrable: whether to wait in the triggerer. The default is ``[operators] default_deferrable``.
    :param on_unreadable: what happens if the document cannot be read, by a fault of its own
        (:attr:`ClassifyError.unreadable`): ``fail`` fails the task; ``result`` pushes ``success`` false, ``error`` and
        ``error_kind``, and the task succeeds; ``skip`` skips the task. Other errors always fail the task.
    :param evidence: whether XCom and outputs contain text of the document. By default the connection decides
        (``evidence`` in its extra), which is ``True`` if it does not say.
    :param poll_interval: the longest pause between two requests for a job, in seconds, at least 1. The pauses begin
        with 1 s and double.
    """

    def __init__(
        self,
        *,
        categories: CategoriesLike,
        timeout: float,
        classify_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = polling.LONGEST_PAUSE,
        on_unreadable: OnUnreadable = "fail",
        evidence: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_categories(categories, self.task_id)
        if timeout <= 0:
            raise ValueError(f"The timeout of {self.task_id!r} is {timeout}; give a number of seconds above 0.")
        if poll_interval < polling.SHORTEST_PAUSE:
            raise ValueError(f"The poll_interval of {self.task_id!r} is {poll_interval}; give at least 1 second.")
        check_on_unreadable(on_unreadable, self.task_id)
        check_evidence(evidence, self.task_id)
        self.categories = categories
        self.timeout = timeout
        self.classify_conn_id = classify_conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.on_unreadable = on_unreadable
        self.evidence = evidence

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the operator's connection."""
        return ClassifyHook(self.classify_conn_id, evidence=self.evidence)
