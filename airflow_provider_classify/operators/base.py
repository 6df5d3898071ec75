"""The base class of the operators, with their common arguments and their hooks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_classify.exceptions import InvalidCascade
from airflow_provider_classify.hooks.defaults import DEFAULT_CONN_ID
from airflow_provider_classify.lifecycle.map_label import MAP_INDEX_TEMPLATE
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.api_contract import LONGEST_PAUSE, SHORTEST_PAUSE
from airflow_provider_classify.operators.asset_outlets import Outlets
from airflow_provider_classify.operators.checks import (
    check_cascade,
    check_categories,
    check_evidence,
    check_number,
    check_on_unreadable,
    is_known,
)
from airflow_provider_classify.operators.lineage import LineageMixin
from airflow_provider_classify.operators.links import PAGE_LINKS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset

    from airflow_provider_classify.hooks.classify import ClassifyHook
    from airflow_provider_classify.model.cascade import Cascade
    from airflow_provider_classify.model.categories import CategoriesLike


class ClassifyBaseOperator(LineageMixin, BaseOperator):
    """
    Base of the operators that classify.

    :param categories: names or ``{"name", "description", "examples"}`` objects, an object
        ``{name: description}``, or the JSON text of these. They are checked when the DAG is parsed, unless they are a
        template. Templated.
    :param timeout: seconds after which the wait ends, above 0.
    :param classify_conn_id: a connection of type ``classify``. Templated.
    :param deferrable: whether to wait in the triggerer. The default is ``[operators] default_deferrable``.
    :param on_unreadable: what happens if the document is unreadable (:attr:`ClassifyError.unreadable`): ``fail`` fails
        the task; ``result`` pushes ``success`` false, ``error`` and ``error_kind``, and the task succeeds; ``skip``
        skips the task. Other errors always fail the task.
    :param evidence: whether XCom and outputs contain text of the document. The default is ``evidence`` in the extra of
        the connection. If the extra has no ``evidence``, they contain text.
    :param poll_interval: the longest pause between two requests for a job, in seconds, at least 1. The pauses begin
        with 1 s and double.
    :param escalate_to: a second connection. It classifies the documents with a confidence below ``escalate_below``, and
        those that the first connection cannot read but another classifier may. The second answer stands, whatever its
        confidence. If the second connection cannot classify the document, the first answer stands, with an
        ``escalation_error``. The ``timeout`` applies to each of the two waits. Templated.
    :param escalate_below: the threshold, a confidence above 0, at most 1.
    :param map_index_template: as for any operator. By default, an instance of a mapped task has the name of its
        document.
    :param outlet_by_category: the assets by category name. The asset of a category gets an event if a document belongs
        to the category. The assets in ``outlets`` get an event for every result. The ``extra`` of each event names
        document, category and confidence.
    """

    operator_extra_links = PAGE_LINKS

    def __init__(
        self,
        *,
        categories: CategoriesLike,
        timeout: float,
        classify_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = LONGEST_PAUSE,
        on_unreadable: OnUnreadable = "fail",
        evidence: bool | None = None,
        escalate_to: str | None = None,
        escalate_below: float | None = None,
        outlet_by_category: Mapping[str, Asset] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("map_index_template", MAP_INDEX_TEMPLATE)
        super().__init__(**kwargs)
        check_categories(categories, self.task_id)
        check_number(timeout, "timeout", self.task_id)
        check_number(poll_interval, "poll_interval", self.task_id, least=SHORTEST_PAUSE)
        check_on_unreadable(on_unreadable, self.task_id)
        check_evidence(evidence, self.task_id)
        check_cascade(classify_conn_id, escalate_to, escalate_below, self.task_id)
        self.categories = categories
        self.timeout = timeout
        self.classify_conn_id = classify_conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.on_unreadable = on_unreadable
        self.evidence = evidence
        self.escalate_to = escalate_to
        self.escalate_below = escalate_below
        self.outlet_by_category = outlet_by_category
        self.asset_outlets = Outlets(outlet_by_category or {}, self.task_id)
        if is_known(categories):
            self.asset_outlets.require_known(categories, self.task_id)
        if self.asset_outlets.alias is not None:
            self.outlets = [*self.outlets, self.asset_outlets.alias]

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Create a mapped task, as for any operator. :raises InvalidCascade: the cascade is not valid."""
        if "escalate_to" in kwargs and "escalate_below" in kwargs:  # the task may be mapped over one of them
            first, second = kwargs.get("classify_conn_id", DEFAULT_CONN_ID), kwargs["escalate_to"]
            check_cascade(first, second, kwargs["escalate_below"], str(kwargs.get("task_id")))
        return super().partial(**{"map_index_template": MAP_INDEX_TEMPLATE, **kwargs})

    @property
    def map_label(self) -> str:
        """The name of this instance of a mapped task in Airflow's UI. It is known after the templates are rendered."""
        return ""

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the operator's connection."""
        return self._hook_of(self.classify_conn_id, thumbnails=self.draws_thumbnails)

    @property
    def draws_thumbnails(self) -> bool:
        """Whether the local engine draws the first page of each document."""
        return False

    @cached_property
    def second_hook(self) -> ClassifyHook:
        """The hook of the connection ``escalate_to``."""
        if self.cascade is None:
            raise InvalidCascade(f"The task {self.task_id!r} has no escalate_to; give it one, or clear the task.")
        return self._hook_of(self.cascade.second)

    def _hook_of(self, conn_id: str, *, thumbnails: bool = False) -> ClassifyHook:
        # A DAG file imports this module. This import would make it slower to parse.
        from airflow_provider_classify.hooks.classify import ClassifyHook

        return ClassifyHook(conn_id, evidence=self.evidence, thumbnails=thumbnails)

    @property
    def cascade(self) -> Cascade | None:
        """
        The cascade of the task, after its templates are rendered; ``None`` without ``escalate_to``.

        :raises InvalidCascade: the rendered ``escalate_to`` is empty, or is the connection that is asked first.
        """
        if self.escalate_to is None or self.escalate_below is None:
            return None
        second = str(self.escalate_to).strip()
        check_cascade(self.classify_conn_id, second, self.escalate_below, self.task_id)
        from airflow_provider_classify.model.cascade import Cascade

        return Cascade(self.classify_conn_id, second, self.escalate_below)
