"""Check the figures of the README: the demo's table, and the accuracy of the local engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import airflow_provider_classify
from tests.support.markdown import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
METRICS = Path(airflow_provider_classify.__file__).parent / "engine" / "learned" / "metrics.json"


def rows(text: str) -> list[list[str]]:
    """Return the cells of the demo's table in a text."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]


def test_the_demo_prints_the_table_of_the_readme() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    demo = [sys.executable, str(ROOT / "scripts" / "demo.py")]
    done = subprocess.run(demo, env=environment | {"COLUMNS": "120"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(done.stdout) == rows(README)


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def test_the_accuracy_is_what_make_train_wrote() -> None:
    measured: dict[str, Any] = json.loads(METRICS.read_text())["cross_validated"]
    others, first, newest = (
        measured["by_language"]["other languages"],
        measured["by_set"]["documents"],
        measured["by_set"]["documents3"],
    )
    section = re.sub(r"\s+", " ", README.partition("## How good the local engine is")[2].partition("##")[0])
    assert re.findall(r"\d[\d.]*(?: %)?", section.partition("`make train`")[0]) == [
        str(measured["documents"]),
        str(len(measured["by_category"])),
        percent(measured["accuracy"]),
        str(others["documents"]),
        percent(others["accuracy"]),
        "0.9",
        percent(measured["sure_right"]),
        percent(measured["sure"], 0),
        str(first["documents"]),
        str(newest["documents"]),
        percent(newest["accuracy"]),
    ]
