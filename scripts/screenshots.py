"""
Take screenshots of Airflow's UI for the documentation: ``python scripts/screenshots.py FOLDER``.

The script starts an Airflow of its own with the example DAGs, runs two of them on sample documents, and adds results to
Airflow's database. It writes a light and a dark picture (``….png`` and ``…_dark.png``) of

- ``review``: the page on which a person answers a review,
- ``six_…``: the documents of a task, of a run and of a DAG, with six documents,
- ``many_…``: the documents of a run with 10,000 documents, the first one opened, and of the runs of a DAG,
- ``empty_…``: a run and a DAG without documents, and a DAG whose documents are older than a month.

Like ``browser.py``, it needs Playwright and Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from browser import HEIGHT, WIDTH, open_browser, open_review, page_frame
from samples import draw_samples
from standalone import ROOT, Airflow, Standalone, free_port

from airflow_provider_classify.lifecycle.links import DAG_TAB, RUN_TAB, page_path

REVIEW, SIX, MANY, OLD, EMPTY = (
    "review_doubtful_documents",
    "classify_incoming_documents",
    "batch_and_read",
    "sort_by_route",
    "first_classification",
)
#: The sample that fits none of the categories of the DAG with the review.
DOUBTFUL = "receipt.jpg"
#: The categories of the DAG with six documents. The photo of a receipt fits none of them.
CATEGORIES = ["invoice", "contract", "letter", "bank_statement", "resume"]
#: The size of a window that shows the whole review, in pixels.
REVIEW_SIZE: Any = {"width": WIDTH, "height": 1700}
#: JavaScript for a promise that is fulfilled when the visible pictures are loaded.
IMAGES_LOADED = """() => Promise.all(
    [...document.images].filter(image => image.getBoundingClientRect().top < innerHeight).map(image => image.decode())
)"""
#: The most seconds until the DAGs are loaded, a run has ended or a review waits for an answer.
MAX_SECONDS = 600


def main(folder: Path) -> None:
    """Write the screenshots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="airflow-classify-") as home:
        incoming, doubtful = Path(home) / "incoming", Path(home) / "doubtful"
        draw_samples(incoming)
        doubtful.mkdir()
        shutil.copy(incoming / DOUBTFUL, doubtful)
        settings = {"LEARNED_DOCUMENTS": f"{home}/learned"}
        with Standalone(Path(home) / "airflow", free_port(), settings) as airflow:
            _wait_for_dags(airflow, {REVIEW, SIX, MANY, OLD, EMPTY})
            review = _start(airflow, REVIEW, {"folder": str(doubtful)})
            six = _start(airflow, SIX, {"folder": str(incoming), "categories": CATEGORIES})
            instance = _wait_for(lambda: _asked(airflow, review), "review")
            _wait_for(lambda: airflow.request("GET", f"dags/{SIX}/dagRuns/{six}")["state"] == "success", SIX)
            _write_results(airflow)
            tabs = {
                "six_task": page_path(SIX, six, "classify", 0),
                "six_run": _run_tab(SIX, six),
                "six_dag": _dag_tab(SIX),
                "many_run": _run_tab(MANY, "many"),
                "many_dag": _dag_tab(MANY),
                "empty_run": _run_tab(EMPTY, "empty"),
                "empty_dag": _dag_tab(EMPTY),
                "empty_month": _dag_tab(OLD),
            }
            for ending, dark in (("", False), ("_dark", True)):
                with open_browser(airflow, dark=dark) as page:
                    page.set_viewport_size(REVIEW_SIZE)
                    open_review(page, airflow, REVIEW, review, "review", instance["map_index"])
                    page.screenshot(path=folder / f"review{ending}.png")
                    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
                    for name, tab in tabs.items():
                        frame = page_frame(page, f"{airflow.url}/{tab}")
                        if name.endswith(("task", "run")):
                            page.get_by_text("Success").first.wait_for()  # Airflow's header with the state
                        if name == "many_run":
                            frame.locator("details.document summary").first.click()
                        # Airflow's UI keeps sending requests while a run is not over, so the network is never idle.
                        frame.locator("body").evaluate(IMAGES_LOADED)
                        page.screenshot(path=folder / f"{name}{ending}.png")
                print(f"{folder}: review, {', '.join(tabs)} ({'dark' if dark else 'light'})", flush=True)


def _run_tab(dag_id: str, run_id: str) -> str:
    return f"dags/{dag_id}/runs/{run_id}/plugin/{RUN_TAB}"


def _dag_tab(dag_id: str) -> str:
    return f"dags/{dag_id}/plugin/{DAG_TAB}"


def _wait_for_dags(airflow: Airflow, wanted: set[str]) -> None:
    # The first request makes the server import its API for tasks. The import takes longer than a task waits.
    httpx.get(f"{airflow.url}/execution/health", timeout=180).raise_for_status()
    _wait_for(lambda: wanted <= {dag["dag_id"] for dag in airflow.request("GET", "dags")["dags"]}, "the example DAGs")


def _start(airflow: Airflow, dag_id: str, conf: dict[str, Any]) -> str:
    """Run a DAG with these params and return the id of the run."""
    body = {"logical_date": None, "conf": conf}
    return str(airflow.request("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"])


def _asked(airflow: Airflow, run_id: str) -> dict[str, Any] | None:
    """Return the task instance that waits for a person; ``None`` if there is none yet."""
    for detail in airflow.request("GET", f"dags/{REVIEW}/dagRuns/{run_id}/hitlDetails")["hitl_details"]:
        if detail["task_instance"]["state"] in ("awaiting_input", "deferred"):
            return dict(detail["task_instance"])
    return None


def _wait_for(happened: Callable[[], Any], name: str) -> Any:
    deadline = time.monotonic() + MAX_SECONDS
    while not (found := happened()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} was not ready within {MAX_SECONDS} s.")
        time.sleep(1)
    return found


def _write_results(airflow: Airflow) -> None:
    """Add results to the database of this Airflow, with the code that the tests use."""
    code = f"from written_results import write; write({MANY!r}, {OLD!r}, {EMPTY!r})"
    environment = airflow.environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
