"""
Measure the seconds from a document's arrival in a watched folder to the start of its routed task.

``python benchmarks/events.py [DOCUMENTS] [PAUSE]`` starts a whole Airflow with the example DAG
``route_documents_on_arrival`` and the local engine. It moves documents into the folder, by default 200, one every 4
seconds. It prints the median, the 95th percentile and the longest time, and the parts of these times.

The run of a document takes 4 to 5 s of CPU time, nearly all of it in Airflow's own processes. So with a document every
2 seconds, two cores are always busy, and the documents wait for each other.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from standalone import Standalone, free_port  # noqa: E402

from tests.support.waiting import wait_until  # noqa: E402

DAG_ID = "route_documents_on_arrival"
ROUTES = ("accounting", "legal", "files", "review")
TEXTS = (
    "Dear Mrs. Brown,\n\nthank you for your letter no. {} of 3 May.\n\nYours sincerely\nJohn Smith\n",
    "INVOICE\nInvoice number: {}\nInvoice date: 3 May 2026\nBill to: Smith & Sons\nAmount due: EUR 120.00\n",
    "SERVICE AGREEMENT\nNo. {}\nThis Agreement is made between the parties. The parties hereby agree as follows:\n",
)


@dataclass
class Times:
    """The times at which a document was at each step, in seconds since 1970."""

    arrival: float
    event: float
    classify_start: float
    classify_end: float
    routed: float


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops Airflow too
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    pause = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    with tempfile.TemporaryDirectory() as name:
        incoming = Path(name) / "incoming"
        incoming.mkdir()
        dags = Path(name) / "dags"
        dags.mkdir()
        for dag_id in (DAG_ID, "contract_arrived"):
            shutil.copy(ROOT / "dags" / f"{dag_id}.py", dags)
        settings = {
            "INCOMING_DOCUMENTS": str(incoming),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "1000",
        }
        with Standalone(Path(name) / "airflow", free_port(), settings) as airflow:
            for number in range(3):  # to warm up
                drop(incoming, f"warm-up-{number}.txt", number)
            wait_until(lambda: all_are_routed(airflow, 3), 600, pause=2)
            arrivals = {}
            for number in range(documents):
                arrivals[drop(incoming, f"{number:04}.txt", number)] = time.time()
                time.sleep(pause)
            late = wait_for_the_last(airflow, incoming, documents + 3)
            times = times_of(airflow)
    print(f"{documents} documents, one each {pause:.1f} s, on {os.cpu_count()} cores; seconds")
    print(f"{'':36} {'p50':>6} {'p95':>6} {'longest':>8}")
    found = [Times(arrival, *times[name]) for name, arrival in arrivals.items()]
    print_row("arrival to routed task", [one.routed - one.arrival for one in found])
    print_row("  arrival to event", [one.event - one.arrival for one in found])
    print_row("  event to start of classification", [one.classify_start - one.event for one in found])
    print_row("  classification", [one.classify_end - one.classify_start for one in found])
    print_row("  classification to routed task", [one.routed - one.classify_end for one in found])
    print(f"The last event waited for the next one {late} times.")


def drop(folder: Path, name: str, number: int) -> str:
    (folder / f"{name}.part").write_text(TEXTS[number % len(TEXTS)].format(number))
    (folder / f"{name}.part").rename(folder / name)
    return str(folder / name)


def wait_for_the_last(airflow: Standalone, folder: Path, documents: int) -> int:
    """
    Wait until this number of documents is routed. Return how many further documents were needed for that.

    If an event arrives while Airflow's scheduler creates a run of the DAG, the scheduler of Airflow 3.3.2 may delete
    the queue's row of this event together with the row of the event before. Then only the run of the next event gets
    it, and a further document causes this event.
    """
    for further in range(4):
        if further:
            drop(folder, f"further-{further}.txt", 0)
        for _ in range(15):
            if all_are_routed(airflow, documents + further):
                return further
            time.sleep(4)
    raise AssertionError("Documents are missing also after further events.")


def all_are_routed(airflow: Standalone, documents: int) -> bool:
    """
    Return whether this number of documents is routed and all runs have ended.

    While a run that an event has created is queued, Airflow 3.3.2 answers the request for the events with HTTP 500,
    because the run has no start date.
    """
    if airflow.request("GET", "dags/~/dagRuns?state=queued&state=running&limit=1")["total_entries"]:
        return False
    runs = tasks_of_runs(airflow)
    return documents <= sum(len(routed(airflow, run, route)) for run, route, _ in routes_of(runs))


def times_of(airflow: Standalone) -> dict[str, tuple[float, float, float, float]]:
    """Return the times of each document after its arrival: of its event, its classification and its routed task."""
    event_of = {
        document["document"]: moment(event["timestamp"])
        for event in pages(airflow, "assets/events", "asset_events")
        if event["name"] == "incoming_documents"
        for document in event["extra"]["payload"]["documents"]
    }
    found = {}
    for run, route, tasks in routes_of(tasks_of_runs(airflow)):
        classify = tasks["classify"]
        steps = (moment(classify["start_date"]), moment(classify["end_date"]))
        for document in routed(airflow, run, route):
            found[document] = (event_of[document], *steps, moment(tasks[route]["start_date"]))
    return found


def tasks_of_runs(airflow: Standalone) -> dict[str, dict[str, Any]]:
    """Return the task instances of each run by their task ids."""
    runs: dict[str, dict[str, Any]] = {}
    for task in pages(airflow, f"dags/{DAG_ID}/dagRuns/~/taskInstances", "task_instances"):
        runs.setdefault(task["dag_run_id"], {})[task["task_id"]] = task
    return runs


def routes_of(runs: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each task of a route that has succeeded, as its run, its task id, and the tasks of the run."""
    for run, tasks in runs.items():
        for route in ROUTES:
            if route in tasks and tasks[route]["state"] == "success":
                yield run, route, tasks


_XCOM: dict[tuple[str, str], list[str]] = {}


def routed(airflow: Standalone, run: str, route: str) -> list[str]:
    """Return the documents that a task got. Each task is requested only once, to keep the load of the server low."""
    if (run, route) not in _XCOM:
        path = f"dags/{DAG_ID}/dagRuns/{run}/taskInstances/{route}/xcomEntries/return_value?stringify=false"
        _XCOM[run, route] = airflow.request("GET", path)["value"]
    return _XCOM[run, route]


def pages(airflow: Standalone, path: str, key: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = airflow.request("GET", f"{path}?limit=1000&offset={offset}")[key]
        yield from page
        offset += len(page)
        if len(page) < 1000:
            return


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def print_row(name: str, seconds: list[float]) -> None:
    p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    print(f"{name:36} {statistics.median(seconds):6.1f} {p95:6.1f} {max(seconds):8.1f}", flush=True)


if __name__ == "__main__":
    main()
