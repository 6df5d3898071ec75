"""The links of a task in Airflow's UI: their keys in XCom, and the URL of the page that shows its documents."""

from __future__ import annotations

from urllib.parse import quote

#: The keys in XCom under which Airflow keeps the links of a task.
JOB_LINK_KEY = "_link_ClassifyJobLink"
PAGE_LINK_KEY = "_link_ClassifyPageLink"
#: The names of the tabs of a task, a run and a DAG in Airflow's UI, in their URLs.
TASK_TAB = "classified-by-task"
RUN_TAB = "classified-in-run"
DAG_TAB = "classified-by-dag"


def page_path(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """
    Return the URL of the tab with the documents of a task, relative to the base URL of Airflow's UI.

    The UI resolves it against that base URL, so it works behind a proxy with a path of its own.
    """
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    dag, run, task = (quote(part, safe="") for part in (dag_id, run_id, task_id))
    return f"dags/{dag}/runs/{run}/tasks/{task}{mapped}/plugin/{TASK_TAB}"
