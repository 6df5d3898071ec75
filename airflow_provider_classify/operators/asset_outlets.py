"""Send the asset events of a task that classifies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_classify import asset_events
from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.model.categories import parse_categories


class Outlets:
    """
    The assets that get an event after a classification, and the extras of these events.

    When a task has succeeded, Airflow sends an event to each asset in its ``outlets``, whatever the result is. A task
    can choose the assets of its events only with an asset alias. So the assets by category get their events from the
    alias :attr:`alias`.

    :param by_category: the assets by category name.
    :param task_id: the first part of the alias's name.
    :raises ValueError: a value is not an asset. The error names the task.
    """

    def __init__(self, by_category: Mapping[str, Asset], task_id: str) -> None:
        for category, asset in by_category.items():
            if not isinstance(asset, Asset):
                raise ValueError(
                    f"The outlet_by_category of {task_id!r} has {asset!r} for {category!r}; give an Asset, such as "
                    f'Asset("{category}s").'
                )
        self._by_category = dict(by_category)
        #: The assets of categories that this task has sent an event to.
        self.sent: list[Asset] = []
        self.alias = AssetAlias(f"{task_id} by category") if by_category else None

    def require_known(self, categories: object, task_id: str) -> None:
        """
        Check the names of the categories.

        :param categories: the categories of the task, which are not a template.
        :raises InvalidCategories: an asset belongs to a category that the task does not have.
        """
        names = {category.name for category in parse_categories(categories)}
        for name in self._by_category:
            if name not in names:
                raise InvalidCategories(
                    f"The outlet_by_category of {task_id!r} names {name!r}, which is not one of its categories; "
                    "correct the name or add the category."
                )

    def record(self, context: Mapping[str, Any], outlets: Iterable[Any], result: Mapping[str, Any]) -> None:
        """Set the extra of the events for one document, and add the event of the asset of its category."""
        extra = asset_events.extra_of_result(result)
        self._set_extra(context, outlets, extra)
        self._add(context, extra["category"], extra)

    def record_batch(
        self, context: Mapping[str, Any], outlets: Iterable[Any], rows: Iterable[Mapping[str, Any]], output: str | None
    ) -> None:
        """
        Set the extra of the events for a batch, and add one event for the asset of each category in the results.

        :param rows: the rows of all documents. There can be many rows, so they are read once and not kept.
        """
        counts: dict[str | None, int] = defaultdict(int)
        first: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            if "error" in row:
                continue
            for key in {None, row.get("classification")}:
                counts[key] += 1
                if len(first[key]) < asset_events.MAX_DOCUMENTS:
                    first[key].append({name: row.get(name) for name in ("document", "classification", "confidence")})
        self._set_extra(context, outlets, asset_events.extra_of_batch(None, first[None], counts[None], output))
        for category in self._by_category:
            if counts[category]:
                extra = asset_events.extra_of_batch(category, first[category], counts[category], output)
                self._add(context, category, extra)

    def _set_extra(self, context: Mapping[str, Any], outlets: Iterable[Any], extra: dict[str, Any]) -> None:
        for outlet in outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra.update(extra)

    def _add(self, context: Mapping[str, Any], category: str | None, extra: dict[str, Any]) -> None:
        if self.alias is not None and category in self._by_category:
            context["outlet_events"][self.alias].add(self._by_category[category], extra=extra)
            self.sent.append(self._by_category[category])
