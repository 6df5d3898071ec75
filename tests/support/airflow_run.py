"""Start a run of a DAG on a real Airflow, and read its state through the REST API."""

from __future__ import annotations

from typing import Any

from standalone import Airflow

from tests.support.waiting import wait_until


class DagRun:
    """A run of a DAG. Creating the object starts the run."""

    def __init__(self, airflow: Airflow, dag_id: str, conf: dict[str, Any]) -> None:
        self.airflow = airflow
        body = {"logical_date": None, "conf": conf}
        run_id = airflow.request("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"]
        self.path = f"dags/{dag_id}/dagRuns/{run_id}"

    @property
    def state(self) -> str:
        return str(self.airflow.request("GET", self.path)["state"])

    def tasks(self, task_id: str) -> list[dict[str, Any]]:
        instances = self.airflow.request("GET", f"{self.path}/taskInstances?limit=1000")["task_instances"]
        return [instance for instance in instances if instance["task_id"] == task_id]

    def states(self, task_id: str) -> set[str]:
        return {instance["state"] for instance in self.tasks(task_id)}

    def xcom(self, task_id: str, map_index: int = -1) -> Any:
        path = f"{self.path}/taskInstances/{task_id}/xcomEntries/return_value?map_index={map_index}&stringify=false"
        return self.airflow.request("GET", path)["value"]

    def worker_logs(self, task_id: str) -> dict[int, str]:
        """Return the logs that the first try of a task wrote on workers, by map index."""
        _, dag_id, _, run_id = self.path.split("/")
        folder = self.airflow.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        logs = folder.glob("map_index=*/attempt=1.log")
        return {int(path.parent.name.removeprefix("map_index=")): path.read_text() for path in logs}

    def wait(self, seconds: float = 180) -> str:
        # With a pause, since the same server answers the tasks.
        wait_until(lambda: self.state in ("success", "failed"), seconds, pause=0.5)
        return self.state
