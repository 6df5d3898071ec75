"""
Measure the time that a DAG file takes to import this package, in addition to Airflow.

    python benchmarks/imports.py [MODULE ...]

Each measurement is a new process. It imports Airflow's base classes first, and then the module; both imports are timed.
The modules take turns, so that a busy moment of the machine does not affect only one of them. A first round, which does
not count, fills the caches of byte code.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

MODULES = [f"airflow_provider_classify.{part}.classify" for part in ("operators", "sensors", "triggers", "hooks")]
ROUNDS = 7
HEAVY = ("pymupdf", "PIL", "numpy", "onnxruntime", "cv2", "fastapi")

# Runs in the new process. Its arguments are the module's name and the heavy packages.
MEASURE = """
import importlib, json, sys, time

def loaded():
    return [name for name in sys.argv[2:] if name in sys.modules]

start = time.perf_counter()
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator
from airflow.triggers.base import BaseTrigger
middle, before = time.perf_counter(), loaded()
importlib.import_module(sys.argv[1])
end = time.perf_counter()
print(json.dumps({"base": middle - start, "module": end - middle, "heavy before": before, "heavy after": loaded()}))
"""


def measure(module: str, airflow_home: str) -> dict[str, Any]:
    """Return the seconds of both imports in a new process, and the heavy packages that are loaded after each."""
    command = [sys.executable, "-c", MEASURE, module, *HEAVY]
    environment = os.environ | {"AIRFLOW_HOME": airflow_home, "PYTHONPYCACHEPREFIX": f"{airflow_home}/byte_code"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Measure the modules in turn and print one row for each."""
    parser = argparse.ArgumentParser(description="Time the import of modules beyond the import of Airflow.")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    modules: list[str] = parser.parse_args().modules

    runs: dict[str, list[dict[str, Any]]] = {module: [] for module in modules}
    with tempfile.TemporaryDirectory() as airflow_home:
        for round_ in range(ROUNDS + 1):
            for module in modules:
                run = measure(module, airflow_home)
                if round_ > 0:
                    runs[module].append(run)

    base = [run for of_module in runs.values() for run in of_module]
    print(f"Median of {ROUNDS} fresh processes for each module, milliseconds.\n")
    print(f"{'':46} {'median':>8} {'least':>8} {'most':>8}  heavy packages loaded")
    print(row("Airflow's base classes", [run["base"] for run in base], base[0]["heavy before"]))
    for module, of_module in runs.items():
        added = [name for name in of_module[0]["heavy after"] if name not in of_module[0]["heavy before"]]
        print(row(f"+ {module}", [run["module"] for run in of_module], added))


def row(name: str, seconds: list[float], heavy: list[str]) -> str:
    """Return one line of the table."""
    numbers = " ".join(f"{1000 * value:8.1f}" for value in (median(seconds), min(seconds), max(seconds)))
    return f"{name:46} {numbers}  {', '.join(heavy) or 'none'}"


if __name__ == "__main__":
    main()
