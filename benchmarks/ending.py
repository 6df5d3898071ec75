"""
Measure the seconds from the end of a job to the success of its task, resumed on a worker or ended by the trigger.

``python benchmarks/ending.py [TASKS]`` starts a whole Airflow, and an API whose jobs end on request. It defers tasks,
by default 100, ends their jobs, and prints the seconds from the end of a job to the success of its task.
"""

from __future__ import annotations

import json
import shutil
import signal
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from standalone import Standalone, free_port  # noqa: E402

from tests.support.airflow_run import DagRun  # noqa: E402
from tests.support.paced_api import running_paced_api  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

HOUR = 3600.0
#: Seconds over which the jobs end, after all tasks have been deferred.
SPAN = 10.0


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops Airflow too
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name, running_paced_api(free_port(), HOUR, HOUR) as url:
        folder = Path(name)
        dags = folder / "dags"  # only with the DAGs of this benchmark, because Airflow parses all files repeatedly
        dags.mkdir()
        shutil.copy(ROOT / "tests" / "dags" / "ending_cases.py", dags)
        for number in range(tasks):
            (folder / f"{number:03}.txt").write_text(f"Letter no. {number}\n")
        settings = {
            "AIRFLOW_CONN_CLASSIFY_DEFAULT": json.dumps({"conn_type": "classify", "host": url}),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "1000",
            "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "1000",
        }
        with Standalone(folder / "airflow", free_port(), settings) as airflow:
            wait_until(lambda: airflow.request("GET", "dags")["total_entries"] >= 2)
            for dag_id in ("ending_on_worker", "ending_from_trigger"):
                latencies(airflow, url, dag_id, folder, 4)  # a first run, to warm up
            print(f"{tasks} tasks, whose jobs end within {SPAN:.0f} s; seconds from the end of a job to the success")
            print(f"{'':20} {'p50':>7} {'p95':>7} {'longest':>8}")
            for dag_id in ("ending_on_worker", "ending_from_trigger") * 2:
                print_row(dag_id, latencies(airflow, url, dag_id, folder, tasks))


def latencies(airflow: Standalone, url: str, dag_id: str, documents: Path, tasks: int) -> list[float]:
    run = DagRun(airflow, dag_id, {"folder": str(documents), "tasks": tasks})
    wait_until(lambda: sum(task["state"] == "deferred" for task in run.tasks("classify")) == tasks, 600, pause=1)
    time.sleep(5)  # until the scheduler is idle
    ends: dict[str, float] = httpx.post(f"{url}/finish?seconds={SPAN}").json()
    state = run.wait(600)
    if state != "success":
        print(f"{dag_id}: the run ended as {state}: {run.states('classify')}")
    return sorted(
        moment(task["end_date"]) - ends[run.xcom("classify", task["map_index"])["job_id"]]
        for task in run.tasks("classify")
    )


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def print_row(name: str, seconds: list[float]) -> None:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    print(f"{name:20} {statistics.median(seconds):7.1f} {p95:7.1f} {seconds[-1]:8.1f}", flush=True)


if __name__ == "__main__":
    main()
