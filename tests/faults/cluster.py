"""Run an Airflow with PostgreSQL, two triggerers and Celery workers, whose processes can be killed one by one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy
from standalone import BIN, Airflow, free_port

from tests.faults.processes import Process, end
from tests.support.waiting import wait_until

DAGS = Path(__file__).parent / "dags"
#: Airflow detects a dead process sooner than by default, so that the tests wait less. Shorter limits would count
#: processes as dead that are only late on a busy machine.
_DETECTION = {
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "12",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
    "AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT": "120",
}
TRIGGERERS = ("triggerer-1", "triggerer-2")
WORKERS = ("worker-1", "worker-2")


class Cluster(Airflow):
    """
    An Airflow. The context manager starts and stops it.

    :param database: an empty database for its metadata.
    :param redis: the URL of the broker for Celery. Without it, tasks run in the scheduler's LocalExecutor.
    :param dags: the folder of its DAGs.
    """

    def __init__(self, home: Path, database: sqlalchemy.URL, redis: str | None = None, *, dags: Path = DAGS) -> None:
        url = database.render_as_string(hide_password=False)
        bundle = {"name": "faults", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
        celery = {
            "AIRFLOW__CELERY__BROKER_URL": f"{redis}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"{redis}/1",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
        }
        settings = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor" if redis else "LocalExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": url,
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([{**bundle, "kwargs": {"path": str(dags)}}]),
        }
        super().__init__(home, free_port(), settings | _DETECTION | (celery if redis else {}))
        self.triggerers: Sequence[str] = TRIGGERERS
        self.workers: Sequence[str] = WORKERS if redis else ()
        self._dags = dags
        self.database = sqlalchemy.create_engine(database)
        self.processes: dict[str, Process] = {}
        self._triggerer_ids: dict[str, int] = {}

    def __enter__(self) -> Cluster:
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with (self.home / "migrate.log").open("wb") as log:
                command = [BIN / "airflow", "db", "migrate"]
                subprocess.run(command, env=self.environment, stdout=log, stderr=log, check=True, timeout=180)
            for name in ("api-server", "dag-processor", "scheduler", *self.triggerers, *self.workers):
                self.start(name)
            wait_until(self._is_ready, 180, pause=0.5)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop()

    def start(self, name: str) -> None:
        """Start a component, or start it again after it was killed."""
        before = self._newest_triggerer() if name in TRIGGERERS else None
        self.processes[name] = Process(self.command(name), self.home / f"{name}.log", env=self.environment)
        if name in TRIGGERERS:  # its id in the database is the next one
            wait_until(lambda: self._newest_triggerer() != before, 120, pause=0.2)
            self._triggerer_ids[name] = self._newest_triggerer()

    def command(self, name: str) -> list[str]:
        """Return the command of a component."""
        return [str(BIN / "airflow"), *_arguments(name)]

    def kill(self, name: str) -> None:
        """Kill a component with its tasks, as a crash does."""
        self.processes[name].kill()

    def kill_running_tasks(self) -> None:
        """
        Kill the processes of LocalExecutor that run a task, and their tasks.

        Idle processes stay alive: one of them holds the lock of the queue, which its death would not release.
        """
        family = self.processes["scheduler"].family()
        title = "airflow worker -- LocalExecutor:"
        busy = [one for one in family if title in (line := " ".join(one.cmdline())) and "<idle>" not in line]
        end([member for one in busy for member in (one, *one.children(recursive=True))])

    def busiest_triggerer(self) -> str:
        """Return the name of the triggerer with most triggers."""
        rows = self.rows("SELECT triggerer_id, count(*) FROM trigger GROUP BY 1")
        watched = dict(rows)
        return max(TRIGGERERS, key=lambda name: watched.get(self._triggerer_ids[name], 0))

    def rows(self, query: str, **values: Any) -> Sequence[Any]:
        """Query the metadata database. Frequent queries would slow down the API server, which serves the tasks."""
        with self.database.connect() as connection:
            return connection.execute(sqlalchemy.text(query), values).all()

    def _newest_triggerer(self) -> int:
        [[newest]] = self.rows("SELECT coalesce(max(id), 0) FROM job WHERE job_type = 'TriggererJob'")
        return int(newest)

    def _is_ready(self) -> bool:
        ended = [name for name, process in self.processes.items() if not process.is_running]
        assert not ended, f"{ended} ended by itself; see {self.home}"
        parsed = {path.stem for path in self._dags.glob("*.py")}
        return self.is_healthy and len(self.rows("SELECT dag_id FROM serialized_dag")) >= len(parsed)

    def _stop(self) -> None:
        for name in reversed(self.processes):
            self.processes[name].stop()
        self.database.dispose()


def _arguments(name: str) -> list[str]:
    """Return the arguments of ``airflow``. The tests read log files, so no component serves its logs on a port."""
    if name in TRIGGERERS:
        return ["triggerer", "--skip-serve-logs"]
    if name in WORKERS:
        return ["celery", "worker", "--celery-hostname", name, "--skip-serve-logs"]
    return [name, "--skip-serve-logs"] if name == "scheduler" else [name]
