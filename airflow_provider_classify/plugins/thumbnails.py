"""
Show thumbnails of documents in Airflow's UI.

Airflow's page for reviews removes pictures in ``data:`` URLs. So the worker puts the picture into XCom, and this route
of the API server sends it to users who may read the XComs of the DAG.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from airflow_provider_classify.lifecycle.thumbnail_route import ROUTE, XCOM_KEY

if TYPE_CHECKING:
    from fastapi import FastAPI, Response

#: The first bytes of a JPEG.
_JPEG = b"\xff\xd8\xff"
#: A browser must not interpret the bytes as another type, and a proxy must not cache them.
_HEADERS = {
    "Cache-Control": "private, max-age=300",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def add_thumbnails(routes: FastAPI) -> None:
    """Add the route for thumbnails to the plugin's routes."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, Response

    def show(dag_id: str, run_id: str, task_id: str, map_index: int) -> Response:
        return _reply(_picture(dag_id, run_id, task_id, map_index))

    may_read = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.XCOM))
    # Annotations are strings in this module, and FastAPI cannot resolve the names that this function imports. So the
    # response class is given here.
    routes.add_api_route(ROUTE, show, dependencies=[may_read], response_class=Response, response_model=None)


def _picture(dag_id: str, run_id: str, task_id: str, map_index: int) -> bytes | None:
    """Return the picture in a task's XCom; ``None`` without a picture."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        query = XComModel.get_many(
            run_id=run_id, key=XCOM_KEY, task_ids=task_id, dag_ids=dag_id, map_indexes=map_index, limit=1
        )
        found = session.scalars(query).first()
        value = XComModel.deserialize_value(found) if found is not None else None
    if not isinstance(value, str):
        return None
    try:
        picture = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):  # a custom XCom backend stores the value elsewhere
        return None
    return picture if picture.startswith(_JPEG) else None


def _reply(picture: bytes | None) -> Response:
    from fastapi import Response

    if picture is None:
        return Response(status_code=404, headers=_HEADERS)
    return Response(picture, media_type="image/jpeg", headers=_HEADERS)
