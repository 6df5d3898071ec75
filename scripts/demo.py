"""
Run the first example DAG in this process and print the route of each document.

``python scripts/demo.py [--documents FOLDER] [--categories A,B,…]``. Without a folder, the demo draws sample
documents. It keeps all its files and its log in ``.airflow/demo``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".airflow" / "demo"
LOG = HOME / "demo.log"


def main() -> int:
    """Run the demo. :returns: the exit status, 1 if the DAG failed."""
    options = _options()
    console = Console(file=sys.__stdout__)
    HOME.mkdir(parents=True, exist_ok=True)
    _prepare_airflow(console)
    if options.documents:
        folder = options.documents.resolve()
    else:
        from samples import draw_samples

        folder = HOME / "samples"
        folder.mkdir(exist_ok=True)
        draw_samples(folder)
    started = time.monotonic()
    rows = _run_dag(console, folder, options.categories)
    if rows is None:
        console.print(f"The DAG failed; its log is in {LOG.relative_to(ROOT)}.", style="red")
        return 1
    console.print(_table(rows))
    console.print(
        f"{len(rows)} documents in {time.monotonic() - started:.0f} s. Log: {LOG.relative_to(ROOT)}", style="dim"
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the first example DAG and print the route of each document.")
    parser.add_argument("--documents", type=Path, help="folder of documents (default: sample documents)")
    parser.add_argument("--categories", type=lambda text: text.split(","), help="category names, separated by commas")
    options = parser.parse_args()
    if options.documents and not options.documents.is_dir():
        parser.error(f"{options.documents} is not a folder")
    return options


def _prepare_airflow(console: Console) -> None:
    """Create an Airflow home for the demo, with a database. Call this before Airflow is imported."""
    os.environ.update(
        AIRFLOW_HOME=str(HOME),
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
        AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(HOME / "logs"),
    )
    # The demo uses the local engine, so it ignores the connection of the user's environment.
    os.environ.pop("AIRFLOW_CONN_CLASSIFY_DEFAULT", None)
    if not (HOME / "airflow.db").exists():
        with console.status("Creating Airflow's database (once) …"), LOG.open("w") as log:
            subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=log, stderr=subprocess.STDOUT
            )


def _run_dag(console: Console, folder: Path, categories: list[str] | None) -> list[dict[str, Any]] | None:
    """
    Run the DAG with ``dag.test()``. Write the log to a file, and print a line for each task.

    :returns: the rows of the summary, or ``None`` if the DAG failed.
    """
    conf: dict[str, Any] = {"folder": str(folder)} | ({"categories": categories} if categories else {})
    with LOG.open("a") as log, redirect_stdout(log), redirect_stderr(log):
        console.print("Starting Airflow (up to a minute) …")
        sys.path.insert(0, str(ROOT / "dags"))
        from airflow.providers.common.compat.sdk import get_listener_manager, hookimpl

        dag = import_module("classify_incoming_documents").dag

        class Progress:
            @hookimpl
            def on_task_instance_success(self, task_instance: Any) -> None:
                _print_task(console, "[green]✓[/]", task_instance)

            @hookimpl
            def on_task_instance_failed(self, task_instance: Any) -> None:
                _print_task(console, "[red]✗[/]", task_instance)

        get_listener_manager().add_listener(Progress())
        console.print(f"Running the DAG {dag.dag_id} on {escape(str(folder))}")
        dag_run = dag.test(run_conf=conf)
        summary = dag_run.get_task_instance("summary")
        if dag_run.state != "success" or summary is None:
            return None
        return summary.xcom_pull(task_ids="summary") or []


def _print_task(console: Console, mark: str, task_instance: Any) -> None:
    number = "" if task_instance.map_index < 0 else f" [dim]{task_instance.map_index}[/]"
    console.print(f"  {mark} {task_instance.task_id}{number}", highlight=False)


def _table(rows: list[dict[str, Any]]) -> Table:
    """Return the table of the documents. A document that could not be read has the reason in place of a category."""
    table = Table("Document", "Category", "Confidence", "Route")
    for row in rows:
        document = Path(row["document"])
        category = escape(row["category"] or "–")
        if row.get("error"):
            reason = re.sub(r"^Job \S+ failed: ", "", row["error"]).replace(str(document), document.name)
            category = f"[yellow]{escape(reason)}[/]"
        confidence = f"{row['confidence']:.2f}" if row["confidence"] is not None else "–"
        table.add_row(escape(document.name), category, confidence, row["route"])
    return table


if __name__ == "__main__":
    sys.exit(main())
