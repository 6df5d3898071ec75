"""
Measure the gain in throughput from a second worker, for a batch with the local engine.

``python benchmarks/shards.py [--documents N]`` starts an Airflow with PostgreSQL, Redis and Celery workers. Each worker
uses only one core and runs one task at a time. A batch in one shard classifies copies of the sample documents on one
worker, and then a batch in two shards classifies them on two workers. The benchmark prints pages a second, from the
start of a batch's first task to the end of its last, and the ratio of the two rates. All other components of Airflow
share the two cores with the workers, but have a lower priority.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from samples import draw_samples  # noqa: E402

from airflow_provider_classify.results import read_results  # noqa: E402
from tests.faults import postgres, redis  # noqa: E402
from tests.faults.cluster import TRIGGERERS, WORKERS, Cluster  # noqa: E402
from tests.support.airflow_run import DagRun  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

#: The niceness of Airflow's other components. The workers have a higher priority.
_NICENESS = "15"


class PinnedCluster(Cluster):
    """An Airflow whose Celery workers have one core each and run one task at a time."""

    def __init__(self, home: Path, database: object, broker: str, cores: list[int]) -> None:
        super().__init__(home, database, broker, dags=ROOT / "benchmarks" / "shard_dags")
        self.triggerers, self.workers = TRIGGERERS[:1], WORKERS[:1]  # the second worker starts later
        self.core_of = dict(zip(WORKERS, cores, strict=True))
        self.environment |= {
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "300",
            "AIRFLOW_CONN_CLASSIFY_DEFAULT": '{"conn_type": "classify", "extra": {"backend": "local"}}',
        }

    def command(self, name: str) -> list[str]:
        core = self.core_of.get(name)
        prefix = ["nice", "-n", _NICENESS] if core is None else ["taskset", "--cpu-list", str(core)]
        return [*prefix, *super().command(name)]

    def start(self, name: str) -> None:
        super().start(name)
        # Linux may compare the niceness only of processes in the same session, and each component has its own one.
        # Then the session has a niceness, too.
        session = Path(f"/proc/{self.processes[name].family()[0].pid}/autogroup")
        if name not in self.core_of and session.exists():
            session.write_text(_NICENESS)

    def wait_for_worker(self, name: str) -> None:
        log = self.home / f"{name}.log"
        wait_until(lambda: "ready." in log.read_text(), 600, pause=0.5)

    def measure(self, dag_id: str, folder: Path) -> tuple[float, int]:
        """Run a batch. Return the seconds that it took, and its number of pages."""
        run = DagRun(self, dag_id, {"folder": str(folder)})
        state = run.wait(3600)
        if state != "success":
            sys.exit(f"The run of {dag_id} ended as {state}; see {self.home}.")
        query = "SELECT extract(epoch FROM max(end_date) - min(start_date)) FROM task_instance WHERE run_id = :run_id"
        [[seconds]] = self.rows(query, run_id=run.path.split("/dagRuns/")[1])
        rows = read_results(run.xcom("batch.merge")["output"])
        return float(seconds), sum(row["total_pages"] for row in rows)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops Airflow too
    parser = argparse.ArgumentParser(description="Measure a batch in shards on one and two workers.")
    parser.add_argument("--documents", type=int, default=240, help="default: 240")
    documents = parser.parse_args().documents
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This machine allows one core only; two workers need two.")
    if not (postgres.program("postgres") and redis.program()):
        sys.exit("PostgreSQL and Redis are needed; install the packages postgresql and redis-server.")
    with tempfile.TemporaryDirectory(prefix="bench-shards-") as name:
        folder = Path(name)
        with (
            postgres.running_postgres(folder / "postgres.log") as server,
            redis.running_redis(folder / "redis.log") as broker,
            PinnedCluster(folder / "airflow", postgres.create_database(server, "shards"), broker, cores[:2]) as cluster,
        ):
            compare(cluster, folder, documents)


def compare(cluster: PinnedCluster, folder: Path, documents: int) -> None:
    httpx.get(f"{cluster.url}/execution/health", timeout=180).raise_for_status()
    copy_samples(folder / "few", 4)
    copy_samples(folder / "documents", documents)
    cluster.wait_for_worker(WORKERS[0])
    cluster.measure("in_1", folder / "few")  # warms everything up
    print(f"{documents} documents, a batch of the local engine on Celery workers with one core each")
    print(f"{'workers':>7} {'shards':>6} {'pages':>6} {'seconds':>8} {'pages/s':>8}")
    one = row(cluster, 1, folder / "documents")
    cluster.start(WORKERS[1])
    cluster.wait_for_worker(WORKERS[1])
    cluster.measure("in_2", folder / "few")
    two = row(cluster, 2, folder / "documents")
    print(f"two workers / one worker: {two / one:.2f}")


def row(cluster: PinnedCluster, shards: int, folder: Path) -> float:
    """Measure and print a row. Return the pages a second."""
    seconds, pages = cluster.measure(f"in_{shards}", folder)
    workers = sum(name in cluster.processes for name in WORKERS)
    print(f"{workers:7} {shards:6} {pages:6} {seconds:8.1f} {pages / seconds:8.2f}", flush=True)
    return pages / seconds


def copy_samples(folder: Path, number: int) -> None:
    """Fill a folder with copies of the sample documents."""
    samples = draw_samples(folder.parent / "samples")
    folder.mkdir()
    for index in range(number):
        sample = samples[index % len(samples)]
        (folder / f"{index:04}-{sample.name}").write_bytes(sample.read_bytes())


if __name__ == "__main__":
    main()
