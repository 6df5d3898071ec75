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
from tests.support.documents import write_corrupt_pdf, write_pdf
from tests.support.markdown import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
METRICS = Path(airflow_provider_classify.__file__).parent / "engine" / "learned" / "metrics.json"


def rows(text: str) -> list[list[str]]:
    """Return the cells of the demo's table in a text."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]


def run_demo(*options: str, columns: int) -> list[list[str]]:
    """Run ``make demo`` and return the rows of its table. The tests of one module run one after the other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    demo = [sys.executable, str(ROOT / "scripts" / "demo.py"), *options]
    environment["COLUMNS"] = str(columns)
    done = subprocess.run(demo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return rows(done.stdout)


def test_the_demo_prints_the_table_of_the_readme() -> None:
    assert run_demo(columns=120) == rows(README)


def test_the_demo_says_beside_a_document_why_it_cannot_be_read(tmp_path: Path) -> None:
    write_pdf(tmp_path / "invoice.pdf")
    write_corrupt_pdf(tmp_path / "damaged.pdf")
    damaged, invoice = run_demo("--documents", str(tmp_path), columns=400)
    assert damaged[0] == "damaged.pdf"
    assert damaged[1].startswith("The document 'damaged.pdf' is damaged")
    assert str(tmp_path) not in damaged[1]
    assert damaged[2:] == ["–", "review"]
    assert (invoice[0], invoice[1], invoice[3]) == ("invoice.pdf", "invoice", "accounting")


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def test_the_accuracy_is_what_make_train_wrote() -> None:
    metrics: dict[str, Any] = json.loads(METRICS.read_text())
    measured, everything = metrics["held_out_unread"], metrics["cross_validated"]
    others = measured["by_language"]["other languages"]
    section = re.sub(r"\s+", " ", README.partition("## How good the local engine is")[2].partition("##")[0])
    assert re.findall(r"\d[\d.]*(?: %)?", section) == [
        str(measured["documents"]),
        str(len(everything["by_category"])),
        percent(measured["accuracy"]),
        str(others["documents"]),
        percent(others["accuracy"]),
        str(measured["sources"]),
        "0.9",
        percent(measured["sure_right"]),
        percent(measured["sure"], 0),
        str(everything["documents"] + everything["of_no_category"]),
    ]
