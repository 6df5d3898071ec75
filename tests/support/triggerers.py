"""Kill the triggerer of a real Airflow, and start another."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from standalone import BIN, Standalone


def kill_triggerer(airflow: Standalone) -> None:
    [triggerer] = [child for child in psutil.Process(airflow.pid).children() if child.cmdline()[-1:] == ["triggerer"]]
    family = [triggerer, *triggerer.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)


@contextmanager
def another_triggerer(airflow: Standalone) -> Iterator[None]:
    with (airflow.home / "second-triggerer.log").open("w") as log:
        process = subprocess.Popen(
            [str(BIN / "airflow"), "triggerer"], env=airflow.environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)
