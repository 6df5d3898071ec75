"""
Compare a batch task with mapped tasks, on a whole Airflow on this machine.

``python benchmarks/batch.py [DOCUMENTS]`` classifies documents, by default 200, whose jobs take 10 to 30 seconds each.
It prints the seconds from the start of the run to its end, and the CPU seconds of Airflow's processes in that time. A
first run with two documents warms everything up.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from standalone import Standalone, free_port  # noqa: E402

from tests.support.airflow_run import DagRun  # noqa: E402
from tests.support.paced_api import running_paced_api  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

#: The range of a job's duration in seconds.
SHORTEST, LONGEST = 10.0, 30.0


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops Airflow too
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with running_paced_api(free_port(), SHORTEST, LONGEST) as url, tempfile.TemporaryDirectory() as name:
        measure(Path(name), url, number)


def measure(folder: Path, url: str, number: int) -> None:
    write_letters(folder / "two", 2)
    write_letters(folder / "documents", number)
    dags = folder / "dags"  # only with the DAGs of this benchmark, because Airflow parses all files repeatedly
    dags.mkdir()
    shutil.copy(ROOT / "tests" / "dags" / "batch_or_mapped.py", dags)
    settings = {
        "AIRFLOW_CONN_CLASSIFY_DEFAULT": json.dumps({"conn_type": "classify", "host": url}),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "1000",
    }
    with Standalone(folder / "airflow", free_port(), settings) as airflow:
        wait_until(lambda: airflow.request("GET", "dags")["total_entries"] >= 2)
        for dag_id in ("as_one_batch", "as_mapped_tasks"):
            start(airflow, dag_id, folder, "two").wait(300)
        before = used(airflow)
        time.sleep(20)
        idle = (used(airflow) - before) / 20
        print(f"{number} documents whose jobs take {SHORTEST:.0f} to {LONGEST:.0f} s; idle Airflow uses {idle:.2f} CPU")
        print(f"{'':16} {'state':8} {'seconds':>8} {'CPU-s':>7} {'CPU-s above idle':>17}")
        for dag_id in ("as_one_batch", "as_mapped_tasks"):
            before, started = used(airflow), time.monotonic()
            state = start(airflow, dag_id, folder, "documents").wait(900)
            seconds = time.monotonic() - started
            cpu = used(airflow) - before
            print(f"{dag_id:16} {state:8} {seconds:8.1f} {cpu:7.1f} {cpu - idle * seconds:17.1f}", flush=True)
    print(f"{httpx.get(f'{url}/count').json()['jobs']} jobs were submitted in all")


def write_letters(folder: Path, number: int) -> None:
    folder.mkdir()
    for index in range(number):
        (folder / f"{index:04}.txt").write_text(f"Letter no. {index}\n")


def start(airflow: Standalone, dag_id: str, folder: Path, documents: str) -> DagRun:
    conf = {"folder": str(folder / documents), "output": str(folder / f"{dag_id}_{documents}.jsonl")}
    return DagRun(airflow, dag_id, conf)


def used(airflow: Standalone) -> float:
    """Return the CPU seconds of Airflow's running processes, and of their ended children that they have waited for."""
    total = 0.0
    for process in [psutil.Process(airflow.pid), *psutil.Process(airflow.pid).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
