"""The routes of the page and of its data. The data need the same permissions as Airflow's own pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.lifecycle.thumbnail_route import thumbnail_path
from airflow_provider_classify.plugins import queries
from airflow_provider_classify.plugins.documents import Document, Order, select
from airflow_provider_classify.plugins.statistics import by_day, figures, recent_runs

if TYPE_CHECKING:
    from fastapi import FastAPI

STATIC = Path(__file__).parent / "static"
#: The most documents of a reply.
MAX_PAGE = 200
#: The most days of the overview of a DAG.
MAX_DAYS = 366
#: The page loads only its own files. Airflow's UI shows it in a frame.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
}


def add_page(routes: FastAPI) -> None:
    """Add the page, its files and its data to the plugin's routes."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends
    from fastapi.responses import FileResponse
    from starlette.staticfiles import StaticFiles

    def page() -> FileResponse:
        return FileResponse(STATIC / "page.html", headers=PAGE_HEADERS)

    may_read = [Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.XCOM))]
    routes.mount("/static", StaticFiles(directory=STATIC), name="static")
    # The page itself has no data, so it needs no login. If the user is not logged in, the page shows a message.
    routes.add_api_route("/page", page, response_model=None)
    routes.add_api_route("/api/dags", _dags_route(), dependencies=may_read, response_model=None)
    routes.add_api_route("/api/dags/{dag_id}/overview", overview, dependencies=may_read, response_model=None)
    routes.add_api_route(
        "/api/dags/{dag_id}/runs/{run_id}/documents", documents, dependencies=may_read, response_model=None
    )


def _dags_route() -> Any:
    """Return the function that lists the DAGs with results that the user may read."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.core_api.security import get_user
    from airflow.utils.session import create_session
    from fastapi import Depends

    def dags(user=Depends(get_user)):  # type: ignore[no-untyped-def]  # noqa: B008 - as FastAPI declares it
        readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
        with create_session() as session:
            return {"dags": queries.dags_with_results(session, readable)}

    return dags


def documents(
    dag_id: str,
    run_id: str,
    task_id: str | None = None,
    map_index: int | None = None,
    category: str | None = None,
    text: str = "",
    order: Order = "order",
    offset: int = 0,
    limit: int = 50,
) -> dict[str, Any]:
    """
    Return some of the documents of a run or task, and the figures of all of them.

    :param map_index: a map index of the task; ``None`` for all.
    :param category: see :func:`~.documents.select`, also for ``text`` and ``order``.
    :param limit: the number of documents to return, from 1 to :data:`MAX_PAGE`.
    """
    from airflow.utils.session import create_session

    with create_session() as session:
        results = queries.run_results(session, dag_id, run_id)
        found: Sequence[Document] = results.documents
        batches = [batch for batch in results.batches if task_id is not None or not batch.is_shard]
        if task_id is not None:
            found = [document for document in found if document.is_of(task_id, map_index)]
            batches = [batch for batch in batches if batch.is_of(task_id, map_index)]
        chosen = select(found, category=category, text=text, order=order)
        shown = chosen[max(0, offset) : max(0, offset) + min(max(1, limit), MAX_PAGE)]
        pictured = queries.tasks_with_thumbnail(session, dag_id, shown) if shown else set()
        run_exists = bool(found or batches) or queries.run_exists(session, dag_id, run_id)
    return {
        "figures": figures(found, batches).to_json(),
        "matching": len(chosen),
        "documents": [document.to_json() | {"thumbnail": _thumbnail(document, dag_id, pictured)} for document in shown],
        "batches": [batch.to_json() for batch in batches],
        "is_truncated": results.is_truncated,
        "run_exists": run_exists,
    }


def overview(dag_id: str, days: int = 30) -> dict[str, Any]:
    """
    Return the figures of the runs of a DAG in the last days, including today. Days are those of UTC.

    If these days have no results, ``newest`` is the time of the last result before them, or ``None``.

    :param days: the number of days, from 1 to :data:`MAX_DAYS`.
    """
    from airflow.utils.session import create_session

    last = datetime.now(UTC)
    first = last - timedelta(days=min(max(1, days), MAX_DAYS) - 1)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    with create_session() as session:
        results = queries.dag_results(session, dag_id, start)
        found, batches = results.documents, results.batches
        newest = None if found or batches else queries.newest_result(session, dag_id)
    return {
        "newest": newest.isoformat() if newest else None,
        "figures": figures(found, batches).to_json(),
        "in_batches": sum(batch.documents for batch in batches),
        "by_day": by_day(found, batches, first=first.date(), last=last.date()),
        "runs": len({document.run_id for document in found} | {batch.run_id for batch in batches}),
        "recent_runs": recent_runs(found, batches),
        "is_truncated": results.is_truncated,
    }


def _thumbnail(document: Document, dag_id: str, pictured: set[tuple[str, str, int]]) -> str | None:
    """Return the URL of the document's thumbnail, relative to Airflow's base URL; ``None`` without a thumbnail."""
    for task_id, map_index in ((document.task_id, document.map_index), *filter(None, [document.reviewed_in])):
        if (document.run_id, task_id, map_index) in pictured:
            return thumbnail_path(dag_id, document.run_id, task_id, map_index)
    return None
