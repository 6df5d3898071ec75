"""
Airflow's plugin: a page with the classified documents, and their thumbnails, in Airflow's UI (3.1 or newer).

Every process of Airflow imports the plugins. So this module imports the other modules only at the first request.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.links import DAG_TAB, RUN_TAB, TASK_TAB
from airflow_provider_classify.lifecycle.thumbnail_route import PREFIX

if TYPE_CHECKING:
    from fastapi import FastAPI

#: The page, relative to the base URL of Airflow's UI.
_PAGE = f"{PREFIX.lstrip('/')}/page"
_ICON = f"{PREFIX.lstrip('/')}/static/icon.svg"
_ICON_DARK = f"{PREFIX.lstrip('/')}/static/icon-dark.svg"
#: The places in Airflow's UI that show the page: destination, route, name and query. Airflow fills in the ids.
_VIEWS: tuple[tuple[str, str, str, str], ...] = (
    ("nav", "classified-documents", "Classified documents", ""),
    ("dag", DAG_TAB, "Documents", "?dag_id={DAG_ID}"),
    ("dag_run", RUN_TAB, "Documents", "?dag_id={DAG_ID}&run_id={RUN_ID}"),
    (
        "task_instance",
        TASK_TAB,
        "Documents",
        "?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
    ),
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request. This is the ASGI application of the plugin."""
    await _app()(scope, receive, send)


@cache
def _app() -> FastAPI:
    from fastapi import FastAPI

    from airflow_provider_classify.plugins.page import add_page
    from airflow_provider_classify.plugins.thumbnails import add_thumbnails

    routes = FastAPI(title="Classify", docs_url=None, redoc_url=None, openapi_url=None)
    add_thumbnails(routes)
    add_page(routes)
    return routes


class ClassifyPlugin(AirflowPlugin):
    """Adds the page and its routes to Airflow's UI. Before Airflow 3.1, a plugin cannot add pages, so it adds none."""

    name = "classify"
    if compat.has_pages():
        fastapi_apps = [{"app": app, "url_prefix": PREFIX, "name": "Classify"}]
        external_views = [
            {
                "name": name,
                "href": f"{_PAGE}{query}",
                "destination": destination,
                "url_route": route,
                "icon": _ICON,
                "icon_dark_mode": _ICON_DARK,
                **({"category": "browse"} if destination == "nav" else {}),
            }
            for destination, route, name, query in _VIEWS
        ]
