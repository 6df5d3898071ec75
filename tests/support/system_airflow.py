"""Run a whole Airflow with some DAGs of the repository, for tests that need a real scheduler and triggerer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from standalone import ROOT, Standalone, free_port

from tests.support.waiting import wait_until

_SETTINGS = {
    # Each DAG file is parsed once. The default of 30 s would keep a small machine busy.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    # On a busy machine, the triggerer's first request to Airflow takes long. It can be the one that follows a kill.
    "AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT": "120",
    # Seconds after which another triggerer takes triggers over. The default is 30.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
}


@contextmanager
def system_airflow(
    folder: Path, files: tuple[str, ...], connections: Mapping[str, str], environment: Mapping[str, str] | None = None
) -> Iterator[Standalone]:
    """
    Start an Airflow, and provide it when it has parsed its DAGs.

    :param folder: gets the files of the Airflow.
    :param files: the DAG files, relative to the repository. Airflow sees no others.
    :param connections: its connections by id in capitals, in the form that environment variables have.
    :param environment: more environment variables.
    """
    dags = folder / "dags"
    dags.mkdir()
    for file in files:
        shutil.copy(ROOT / file, dags)
    bundle = {"name": "dags", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    settings = {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([{**bundle, "kwargs": {"path": str(dags)}}]),
        **{f"AIRFLOW_CONN_{name}": connection for name, connection in connections.items()},
        **_SETTINGS,
        **(environment or {}),
    }
    wanted = {path.name for path in dags.iterdir()}
    with Standalone(folder / "airflow", free_port(), settings) as airflow:
        wait_until(lambda: _parsed(airflow) == wanted, 300, pause=0.5)
        # With the first request, the server imports its API for tasks. On a busy machine, this takes longer than a
        # task waits for a reply.
        httpx.get(f"{airflow.url}/execution/health", timeout=180).raise_for_status()
        yield airflow


def _parsed(airflow: Standalone) -> set[str]:
    return {Path(dag["fileloc"]).name for dag in airflow.request("GET", "dags?limit=100")["dags"]}
