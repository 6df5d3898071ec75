"""The URL at which Airflow's API server shows the thumbnail of a task. The plugin and the operator use it."""

from __future__ import annotations

from urllib.parse import quote

#: The key of the picture in XCom: a JPEG in Base64.
XCOM_KEY = "thumbnail"
#: The prefix of the plugin's routes.
PREFIX = "/classify"
#: The route of a thumbnail, after the prefix.
ROUTE = "/thumbnails/{dag_id}/{run_id}/{task_id}/{map_index}"


def thumbnail_path(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """
    Return the URL of a task's thumbnail, relative to the base URL of Airflow's UI.

    All pages of the UI resolve it against that base URL, so it also works if a proxy adds a path to the URL.
    """
    parts = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": str(map_index)}
    return (PREFIX + ROUTE).lstrip("/").format_map({name: quote(part, safe="") for name, part in parts.items()})
