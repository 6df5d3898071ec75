"""The plugin that shows thumbnails. The system tests of reviews ask a real API server for one."""

from __future__ import annotations

from importlib.metadata import entry_points

from airflow_provider_classify.lifecycle.thumbnail_route import thumbnail_path
from airflow_provider_classify.plugins.plugin import ClassifyPlugin


def test_airflow_finds_the_plugin() -> None:
    [found] = [point for point in entry_points(group="airflow.plugins") if point.name == "classify"]
    assert found.load() is ClassifyPlugin


def test_no_name_leaves_the_route() -> None:
    path = thumbnail_path("a/../b", "manual__2026-11-27T04:00:00+00:00", "group.task?x", 3)
    assert path == "classify/thumbnails/a%2F..%2Fb/manual__2026-11-27T04%3A00%3A00%2B00%3A00/group.task%3Fx/3"
