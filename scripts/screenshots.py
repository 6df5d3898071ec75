"""
Take screenshots of Airflow's UI for the documentation: ``python scripts/screenshots.py FOLDER``.

It starts an Airflow of its own with the example DAGs, runs them on sample documents, and writes ``review.png``:
the page on which a person answers a review, and ``task.png``, ``run.png`` and ``runs.png``: the documents of a task, a
run and a DAG. Each also has a dark version, such as ``review_dark.png``. It needs what ``browser.py`` needs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from browser import open_browser, open_review, page_frame
from samples import draw_samples
from standalone import Airflow, Standalone, free_port

from airflow_provider_classify.lifecycle.links import DAG_TAB, RUN_TAB, page_path

DAG_ID = "review_doubtful_documents"
#: The sample that fits none of the DAG's categories.
DOCUMENT = "receipt.jpg"
#: The most seconds until the review is asked for.
MAX_SECONDS = 600


def main(folder: Path) -> None:
    """Write the screenshots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="airflow-classify-") as home:
        incoming = Path(home) / "incoming"
        draw_samples(incoming)
        for path in incoming.iterdir():
            if path.name != DOCUMENT:
                path.unlink()
        settings = {"LEARNED_DOCUMENTS": f"{home}/learned"}
        with Standalone(Path(home) / "airflow", free_port(), settings) as airflow:
            instance = _review(airflow, incoming)
            run_id = instance["dag_run_id"]
            tabs = {
                "task": page_path(DAG_ID, run_id, "classify", 0),
                "run": f"dags/{DAG_ID}/runs/{run_id}/plugin/{RUN_TAB}",
                "runs": f"dags/{DAG_ID}/plugin/{DAG_TAB}",
            }
            for ending, dark in (("", False), ("_dark", True)):
                with open_browser(airflow, dark=dark) as page:
                    open_review(page, airflow, DAG_ID, run_id, "review", instance["map_index"])
                    page.screenshot(path=folder / f"review{ending}.png")
                    for name, tab in tabs.items():
                        page_frame(page, f"{airflow.url}/{tab}")
                        page.wait_for_load_state("networkidle")
                        page.screenshot(path=folder / f"{name}{ending}.png")
                print(f"{folder}: review, {', '.join(tabs)} ({'dark' if dark else 'light'})")


def _review(airflow: Airflow, incoming: Path) -> dict[str, Any]:
    """Run the DAG and return the task instance that waits for a person."""
    # The first request makes the server import its API for tasks, which takes longer than a task waits.
    httpx.get(f"{airflow.url}/execution/health", timeout=180).raise_for_status()
    deadline = time.monotonic() + MAX_SECONDS
    path = None
    while time.monotonic() < deadline:
        time.sleep(1)
        if path is None:
            if DAG_ID in {dag["dag_id"] for dag in airflow.request("GET", "dags")["dags"]}:
                body = {"logical_date": None, "conf": {"folder": str(incoming)}}
                path = f"dags/{DAG_ID}/dagRuns/{airflow.request('POST', f'dags/{DAG_ID}/dagRuns', body)['dag_run_id']}"
            continue
        for detail in airflow.request("GET", f"{path}/hitlDetails")["hitl_details"]:
            if detail["task_instance"]["state"] in ("awaiting_input", "deferred"):
                return dict(detail["task_instance"])
    raise TimeoutError(f"The DAG {DAG_ID} asked for no review within {MAX_SECONDS} s; its log is {airflow.home}.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
