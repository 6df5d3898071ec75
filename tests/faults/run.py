"""Run 300 documents through Airflow during a fault, and compare the record with the results."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.faults.cluster import Cluster
from tests.faults.dags.fault_cases import MAPPED
from tests.faults.documents import draw_documents
from tests.faults.record import Outcome, RecordedJob, outcome, read_jobs
from tests.faults.service import Service
from tests.support.airflow_run import DagRun
from tests.support.waiting import wait_until

#: Seconds within which a run must reach each state.
_SECONDS = 240
#: The task instance of the batch: its task id and map index.
BATCH = ("batch", -1)


class Run:
    """
    A run of the DAG. Creating the object starts the run.

    :param record: the path of the service's database.
    """

    def __init__(self, cluster: Cluster, record: Path, folder: Path, fault: str) -> None:
        self.fault = fault
        self._cluster = cluster
        self._record = record
        self._folder = folder
        self._before = set(read_jobs(record))
        self.drawn = draw_documents(folder, fault)
        self.began = time.monotonic()
        self._path = DagRun(cluster, "fault_cases", {"folder": str(folder)}).path
        self.run_id = self._path.split("/dagRuns/")[1]

    def jobs(self) -> dict[str, RecordedJob]:
        """Return the jobs that were submitted since the run began."""
        return {job_id: job for job_id, job in read_jobs(self._record).items() if job_id not in self._before}

    def states(self) -> dict[tuple[str, int], str | None]:
        """Return the state of each task instance by task id and map index."""
        query = "SELECT task_id, map_index, state FROM task_instance WHERE run_id = :run_id"
        return {(task, index): state for task, index, state in self._cluster.rows(query, run_id=self.run_id)}

    def tries(self) -> int:
        """Return the greatest number of tries of a task instance."""
        query = "SELECT max(try_number) FROM task_instance WHERE run_id = :run_id"
        return int(self._cluster.rows(query, run_id=self.run_id)[0][0])

    def wait_until_deferred(self, tasks: int = 1 + 2 * MAPPED) -> None:
        """Wait until this number of tasks is deferred, each with its trigger in a triggerer."""
        query = """
            SELECT count(*) FROM task_instance JOIN trigger ON trigger.id = trigger_id
            WHERE run_id = :run_id AND state = 'deferred' AND triggerer_id IS NOT NULL
        """

        def all_wait() -> bool:
            states = self.states()
            failed = [instance for instance, state in states.items() if state == "failed"]
            assert tasks != len(states) or not failed, f"{failed} failed before its job could be waited for"
            return bool(self._cluster.rows(query, run_id=self.run_id)[0][0] == tasks)

        wait_until(all_wait, _SECONDS, pause=0.5)

    def mark(self, task_id: str, map_index: int, state: str) -> None:
        """Mark a task with a state as a user does, which ends it."""
        instance = task_id if map_index < 0 else f"{task_id}/{map_index}"
        self._cluster.request("PATCH", f"{self._path}/taskInstances/{instance}", {"new_state": state})

    def clear(self, instances: Iterable[tuple[str, int]]) -> None:
        """Clear tasks as a user does."""
        ids = [task if index < 0 else [task, index] for task, index in instances]
        body = {"dry_run": False, "only_failed": False, "dag_run_id": self.run_id, "task_ids": ids}
        self._cluster.request("POST", f"{self._path.split('/dagRuns/')[0]}/clearTaskInstances", body)

    def documents_of(self, instances: Iterable[tuple[str, int]]) -> set[str]:
        """Return the documents of task instances."""
        documents: set[str] = set()
        for task, index in instances:
            number = "*" if index < 0 else f"{index:03}"
            documents.update(map(str, (self._folder / task).glob(f"{number}.txt")))
        return documents

    def cancelled(self) -> list[RecordedJob]:
        """Return the jobs of this run that were cancelled before their end."""
        return [job for job in self.jobs().values() if job.error_kind == "JobCancelled"]

    def wait(self) -> str:
        """Wait for the end of the run and return its state."""
        query = "SELECT state FROM dag_run WHERE run_id = :run_id"

        def state() -> str:
            return str(self._cluster.rows(query, run_id=self.run_id)[0][0])

        wait_until(lambda: state() in ("success", "failed"), _SECONDS, pause=0.2)
        self.seconds = time.monotonic() - self.began
        return state()

    def results(self) -> list[dict[str, Any]]:
        """Return all results, from XCom and from the batch's output."""
        query = "SELECT value FROM xcom WHERE run_id = :run_id AND key = 'return_value' AND task_id != 'batch'"
        results = [_parsed(value) for [value] in self._cluster.rows(query, run_id=self.run_id)]
        output = self._folder / "batch.jsonl"
        return results + ([json.loads(line) for line in output.read_text().splitlines()] if output.exists() else [])

    def outcome(self, without: Container[str] = ()) -> Outcome:
        """Return the outcome of the run; the documents in ``without`` need no result, since users ended their tasks."""
        wanted = {document: category for document, category in self.drawn.items() if document not in without}
        jobs = {
            job_id: job for job_id, job in self.jobs().items() if not (without and job.error_kind == "JobCancelled")
        }
        return outcome(wanted, self.results(), jobs)


def warm_up(service: Service, connection_id: str, document: Path) -> None:
    """Start all processes of the service's engine. ``held`` does not hold a process that starts later."""
    hook = ClassifyHook(connection_id)

    def all_run() -> bool:
        for job_id in [hook.submit(str(document), ["letter"]).job_id for _ in range(6)]:
            hook.fetch(job_id)
        return len(service.engine()) == available_cores()

    wait_until(all_run)


def _parsed(value: Any) -> Any:
    """Return the value of an XCom. Airflow stores its JSON text as a JSON string."""
    return json.loads(value) if isinstance(value, str) else value
