"""Run the Python of the README and of the documentation. Its DAGs run on documents that the tests write."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_classify.model.categories import parse_categories
from tests.support.dags import migrate_database
from tests.support.documents import write_pdf
from tests.support.markdown import ROOT, Block, blocks
from tests.support.packets import INVOICE_1, INVOICE_2, write_packet
from tests.support.packets import LETTER as PACKET_LETTER

DAY = datetime(2026, 5, 3, tzinfo=UTC)
LETTER = "Dear Mrs Trevanion,\n\nthank you for your letter of 22 May.\n\nYours sincerely,\nLenka Horák"
#: Where the DAGs of the pages look for documents.
PLACES = ("s3://my_aws@", "/data/")


def included() -> list[Block]:
    return [block for block in blocks("python") if block.included]


def own() -> list[Block]:
    """Return the blocks with text of their own, not a file of the repository."""
    return [block for block in blocks("python") if not block.included]


def named_tests(block: Block) -> list[str]:
    return re.findall(r"^def (test_\w+)", block.text, re.MULTILINE)


def is_dag(block: Block) -> bool:
    return "with DAG(" in block.text


def load(block: Block, folder: Path, text: str | None = None) -> ModuleType:
    """Import a block as a file of DAGs, and prepare its tasks as Airflow does when it parses the file."""
    folder.mkdir(exist_ok=True)
    name = f"{Path(block.page).stem.lower()}_{block.line}"
    file = folder / f"{name}.py"
    file.write_text(text or block.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for task in module.dag.tasks if hasattr(module, "dag") else []:
        task.prepare_template()
    return module


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """Return a folder with the documents that the DAGs of the pages name."""
    day = tmp_path / "incoming" / f"{DAY:%Y-%m-%d}"
    day.mkdir(parents=True)
    for folder in (day, day.parent):
        write_pdf(folder / "scan.pdf")
    write_pdf(day / "letter.pdf", LETTER)
    write_packet(day.parent / "packet.pdf", [PACKET_LETTER, INVOICE_1, INVOICE_2])
    return day.parent


@pytest.mark.parametrize("block", own(), ids=str)
def test_a_snippet_is_complete(block: Block, tmp_path: Path) -> None:
    """It imports what it uses, its DAG can be parsed, and its categories are valid."""
    assert "…" not in block.text
    module = load(block, tmp_path)
    if hasattr(module, "categories"):
        parse_categories(module.categories)


@pytest.mark.parametrize("block", [block for block in own() if is_dag(block)], ids=str)
def test_a_dag_of_a_page_runs(block: Block, incoming: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate_database()
    local = {"conn_type": "classify", "extra": {"backend": "local", "max_pages": "all"}}
    for connection in ("PACKETS", "CLASSIFY_MODEL"):  # the local engine takes the place of a language model
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection}", json.dumps(local))
    text = block.text
    for place in PLACES:
        text = text.replace(place, f"{tmp_path}/")
    dag = load(block, Path(os.environ["AIRFLOW_HOME"]) / "snippets", text).dag
    conf = {"folder": str(incoming), "document": str(incoming / "scan.pdf")}
    if "folder" in dag.params:
        (incoming / "packet.pdf").unlink()
        for path in (incoming / f"{DAY:%Y-%m-%d}").iterdir():
            path.rename(incoming / path.name)
        (incoming / f"{DAY:%Y-%m-%d}").rmdir()
    run = dag.test(logical_date=DAY, run_conf={name: value for name, value in conf.items() if name in dag.params})
    assert run.state == "success"
    states = {ti.state for ti in run.get_task_instances()}
    assert "success" in states
    assert states <= {"success", "skipped"}


@pytest.mark.parametrize("block", [block for block in own() if named_tests(block)], ids=str)
def test_the_tests_of_a_page_pass(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate_database()
    monkeypatch.chdir(ROOT)
    module = load(block, tmp_path / "tests")
    for name in named_tests(block):
        test: Any = getattr(module, name)
        test(*[tmp_path] * test.__code__.co_argcount)


@pytest.mark.parametrize("block", [block for block in own() if "async def classify_all" in block.text], ids=str)
def test_the_asynchronous_snippet_classifies(block: Block, incoming: Path, tmp_path: Path) -> None:
    module = load(block, tmp_path)
    [result] = asyncio.run(module.classify_all([str(incoming / "scan.pdf")]))
    assert result["classification"] == "invoice"


@pytest.mark.parametrize("block", [block for block in own() if "def accuracy_by_threshold" in block.text], ids=str)
def test_the_snippet_measures_a_batch(block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"document": "/a.pdf", "intent": "1", "success": True, "classification": "invoice", "confidence": 0.97},
        {"document": "/b.pdf", "intent": "2", "success": True, "classification": "invoice", "confidence": 0.7},
        {
            "document": "/c.pdf",
            "intent": "3",
            "success": False,
            "classification": None,
            "confidence": 0.0,
            "error": "No.",
        },
    ]
    output, labels = tmp_path / "out.jsonl", tmp_path / "labels.csv"
    output.write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels.write_text("path,category\n/a.pdf,invoice\n/b.pdf,contract\n/c.pdf,letter\n")
    load(block, tmp_path).accuracy_by_threshold(str(output), str(labels))
    assert capsys.readouterr().out.splitlines() == [
        "from 0.00: 33.3% right, 3 of 3 documents",
        "from 0.60: 50.0% right, 2 of 3 documents",
        "from 0.80: 100.0% right, 1 of 3 documents",
        "from 0.90: 100.0% right, 1 of 3 documents",
        "from 0.95: 100.0% right, 1 of 3 documents",
    ]


def test_a_page_includes_each_example_dag_and_copies_none() -> None:
    examples = {f"dags/{path.name}" for path in (ROOT / "dags").glob("*.py")}
    named = {file for block in included() for file in block.included}
    mentioned = {file for file in examples if any(f"({file})" in (ROOT / page).read_text() for page in ("README.md",))}
    assert named <= examples
    assert examples == named | mentioned


def test_the_first_dag_of_the_readme_is_the_file() -> None:
    """GitHub includes no files, so the README repeats this one."""
    [block] = [block for block in own() if block.page == "README.md"]
    module = (ROOT / "dags" / "first_classification.py").read_text()
    docstring = module.index('"""', 3) + len('"""')
    assert block.text.strip() == module[docstring:].strip()
