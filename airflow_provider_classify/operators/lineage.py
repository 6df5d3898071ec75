"""The methods of an operator that Airflow's OpenLineage provider calls. Without that provider, nothing calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_classify.lifecycle.lineage import Lineage
    from airflow_provider_classify.operators.asset_outlets import Outlets


class LineageMixin:
    """
    Tell OpenLineage the documents that an operator reads, the outputs that it writes, and its answer.

    When a task ends on a worker, OpenLineage calls the operator object that has received the answer, also after a
    deferral. A task that the triggerer ends (``end_from_trigger``) does not end on a worker, so OpenLineage gets only
    its start.
    """

    if TYPE_CHECKING:
        inlets: list[Any]
        outlets: list[Any]
        asset_outlets: Outlets

    def lineage(self) -> Lineage:
        """Return the lineage that is known so far. A subclass overrides this."""
        from airflow_provider_classify.lifecycle.lineage import Lineage

        return Lineage()

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return the lineage before the operator runs."""
        return self._lineage()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the lineage with the answer. It is also called after a failure, and then there may be no answer."""
        return self._lineage()

    def _lineage(self) -> OperatorLineage[Any, Any]:
        from airflow_provider_classify.lifecycle.openlineage import operator_lineage

        return operator_lineage(self.lineage(), self.inlets, [*self.outlets, *self.asset_outlets.sent])
