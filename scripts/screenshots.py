"""
Take screenshots of Airflow's UI for the documentation: ``python scripts/screenshots.py FOLDER``.

The script starts the service and an Airflow of its own with the example DAGs, runs three of them on sample documents,
and adds results to Airflow's database. It writes a light and a dark picture (``….png`` and ``…_dark.png``) of

- ``review``: the page on which a person answers a review,
- ``six_…``: the documents of a task, of a run and of a DAG, with six documents,
- ``many_…``: the documents of a run with 10,000 documents, the first one opened, and of the runs of a DAG,
- ``empty_…``: a run and a DAG without documents, and a DAG whose documents are older than a month,
- ``links`` and ``mapped``: Airflow's own pages of a task whose job is in the service, and of a mapped task.

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
from typing import TYPE_CHECKING, Any

import httpx
from browser import HEIGHT, WIDTH, open_browser, open_review, page_frame
from samples import draw_samples
from standalone import ROOT, Airflow, Standalone, classify_service, example_settings, free_port

from airflow_provider_classify.lifecycle.links import DAG_TAB, RUN_TAB, page_path

if TYPE_CHECKING:
    from playwright.sync_api import Page

REVIEW, SIX, JOB, MANY, OLD, EMPTY = (
    "review_doubtful_documents",
    "classify_incoming_documents",
    "wait_for_classification_job",
    "batch_and_read",
    "sort_by_route",
    "first_classification",
)
#: The sample that fits none of the categories of the DAG with the review.
DOUBTFUL = "receipt.jpg"
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
        with (
            classify_service(Path(home) / "service", free_port()) as service,
            Standalone(Path(home) / "airflow", free_port(), _settings(home, incoming, service)) as airflow,
        ):
            _wait_for_dags(airflow, {REVIEW, SIX, JOB, MANY, OLD, EMPTY})
            review = _start(airflow, REVIEW, {"folder": str(doubtful)})
            six = _start(airflow, SIX, {"folder": str(incoming)})
            job = _start(airflow, JOB, {"document": str(incoming / "invoice.pdf")})
            instance = _wait_for(lambda: _asked(airflow, review), "review")
            _wait_for_success(airflow, SIX, six)
            _wait_for_success(airflow, JOB, job)
            _write_results(airflow)
            pages = {
                "six_task": page_path(SIX, six, "classify", 0),
                "six_run": _run_tab(SIX, six),
                "six_dag": _dag_tab(SIX),
                "many_run": _run_tab(MANY, "many"),
                "many_dag": _dag_tab(MANY),
                "empty_run": _run_tab(EMPTY, "empty"),
                "empty_dag": _dag_tab(EMPTY),
                "empty_month": _dag_tab(OLD),
            }
            own = {
                "links": (f"dags/{JOB}/runs/{job}/tasks/submit/details", "Classification job"),
                "mapped": (f"dags/{SIX}/runs/{six}/tasks/classify/mapped", "resume.pdf"),
            }
            for ending, dark in (("", False), ("_dark", True)):
                with open_browser(airflow, dark=dark) as page:
                    page.set_viewport_size(REVIEW_SIZE)
                    open_review(page, airflow, REVIEW, review, "review", instance["map_index"])
                    page.screenshot(path=folder / f"review{ending}.png")
                    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
                    for name, path in pages.items():
                        _open(page, f"{airflow.url}/{path}", name)
                        page.screenshot(path=folder / f"{name}{ending}.png")
                    for name, (path, shown) in own.items():
                        page.goto(f"{airflow.url}/{path}")
                        page.get_by_text(shown).first.wait_for()
                        page.screenshot(path=folder / f"{name}{ending}.png")
                print(f"{folder}: review, {', '.join([*pages, *own])} ({'dark' if dark else 'light'})", flush=True)


def _open(page: Page, url: str, name: str) -> None:
    """Open the tab of a task, a run or a DAG with its documents, and wait until it is complete."""
    frame = page_frame(page, url)
    if name.endswith(("task", "run")):
        page.get_by_text("Success").first.wait_for()  # Airflow's header with the state
    if name == "many_run":
        frame.locator("details.document summary").first.click()
    # Airflow's UI keeps sending requests while a run is not over, so the network is never idle.
    frame.locator("body").evaluate(IMAGES_LOADED)


def _settings(home: str, incoming: Path, service: str) -> dict[str, str]:
    return example_settings(incoming, service) | {"LEARNED_DOCUMENTS": f"{home}/learned"}


def _wait_for_success(airflow: Airflow, dag_id: str, run_id: str) -> None:
    _wait_for(lambda: airflow.request("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"] == "success", dag_id)


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
