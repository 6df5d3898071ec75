"""
From the end of a job to the success of its task: resumed on a worker, and ended from the trigger.

``python tests/benchmarks/ending.py [TASKS]`` starts a whole Airflow and the classify service, defers 100
tasks, lets their jobs finish together, and prints how long the tasks took from there. Asserts nothing.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from standalone import Standalone, free_port  # noqa: E402

from tests.support.airflow_run import DagRun  # noqa: E402
from tests.support.service import RunningService, running_service  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

LETTER = "Dear Mrs. Brown,\n\nthank you for your letter no. {} of 3 May.\n\nYours sincerely\nJohn Smith\n"


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops Airflow too
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = folder / "documents"
        documents.mkdir()
        for number in range(tasks):
            (documents / f"{number:03}.txt").write_text(LETTER.format(number))
        with running_service(folder / "service") as service:
            connection = json.dumps({"conn_type": "classify", "host": service.url})
            settings = {
                "AIRFLOW_CONN_CLASSIFY_DEFAULT": connection,
                "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "tests" / "dags"),
                "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "1000",
            }
            with Standalone(folder / "airflow", free_port(), settings) as airflow:
                wait_until(lambda: airflow.request("GET", "dags")["total_entries"] >= 2)
                warm_up = DagRun(airflow, "ending_on_worker", {"folder": str(documents), "tasks": 4})
                warm_up.wait()
                print(f"{tasks} tasks; seconds from the end of a job to the success of its task")
                print(f"{'':20} {'p50':>7} {'p95':>7} {'longest':>8}")
                for dag_id in ("ending_on_worker", "ending_from_trigger", "ending_on_worker", "ending_from_trigger"):
                    print_row(dag_id, latencies(airflow, service, dag_id, documents, tasks))


def latencies(airflow: Standalone, service: RunningService, dag_id: str, documents: Path, tasks: int) -> list[float]:
    with service.frozen_engine():
        run = DagRun(airflow, dag_id, {"folder": str(documents), "tasks": tasks})
        wait_until(lambda: sum(task["state"] == "deferred" for task in run.tasks("classify")) == tasks, 600)
    state = run.wait(600)
    if state != "success":
        print(f"{dag_id}: the run ended as {state}: {run.states('classify')}")
    ended = {run.xcom("classify", task["map_index"])["job_id"]: task["end_date"] for task in run.tasks("classify")}
    finished = finished_at(service)
    return sorted((moment(ended[job_id]) - finished[job_id]).total_seconds() for job_id in ended)


def finished_at(service: RunningService) -> dict[str, datetime]:
    [record] = service.log.parent.rglob("*.db")
    with sqlite3.connect(record) as database:
        rows = database.execute("SELECT job_id, finished_at FROM classify_jobs WHERE finished_at IS NOT NULL")
        return {job_id: moment(text) for job_id, text in rows}


def moment(text: str) -> datetime:
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def print_row(name: str, seconds: list[float]) -> None:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    print(f"{name:20} {statistics.median(seconds):7.1f} {p95:7.1f} {seconds[-1]:8.1f}", flush=True)


if __name__ == "__main__":
    main()
