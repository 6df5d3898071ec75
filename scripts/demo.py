"""
Run the first example DAG in this process and show where each document went.

``python scripts/demo.py [--documents FOLDER] [--categories A,B,…]``: without a folder, on sample
documents drawn for the occasion. Everything is kept under ``.airflow/demo``; the log of the run too.
"""

from __future__ import annotations

import argparse
import os
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
    """Run the demo. :returns: the exit status, 1 if the DAG failed or a document got no category."""
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
    return 0 if rows and all(row["category"] for row in rows) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the first example DAG and show where each document went.")
    parser.add_argument("--documents", type=Path, help="a folder of documents (default: drawn samples)")
    parser.add_argument("--categories", type=lambda text: text.split(","), help="category names, separated by commas")
    options = parser.parse_args()
    if options.documents and not options.documents.is_dir():
        parser.error(f"{options.documents} is no folder")
    return options


def _prepare_airflow(console: Console) -> None:
    """Point Airflow at a home of the demo's own, with a database, before anything imports it."""
    os.environ.update(
        AIRFLOW_HOME=str(HOME),
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
        AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(HOME / "logs"),
    )
    # The demo shows the local engine: connections of the user's own Airflow stay out of it.
    os.environ.pop("AIRFLOW_CONN_CLASSIFY_DEFAULT", None)
    if not (HOME / "airflow.db").exists():
        with console.status("Making Airflow's database (once) …"), LOG.open("w") as log:
            subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=log, stderr=subprocess.STDOUT
            )


def _run_dag(console: Console, folder: Path, categories: list[str] | None) -> list[dict[str, Any]] | None:
    """
    Run the DAG with ``dag.test()``, its log in a file and a line for each task on the screen.

    :returns: the rows of the summary, or ``None`` if the DAG failed.
    """
    conf: dict[str, Any] = {"folder": str(folder)} | ({"categories": categories} if categories else {})
    with LOG.open("a") as log, redirect_stdout(log), redirect_stderr(log):
        console.print("Starting Airflow …")
        sys.path.insert(0, str(ROOT / "dags"))
        from airflow.providers.common.compat.sdk import get_listener_manager, hookimpl

        dag = import_module("classify_incoming_documents").dag

        class Progress:
            @hookimpl
            def on_task_instance_success(self, task_instance: Any) -> None:
                _tell(console, "[green]✓[/]", task_instance)

            @hookimpl
            def on_task_instance_failed(self, task_instance: Any) -> None:
                _tell(console, "[red]✗[/]", task_instance)

        get_listener_manager().add_listener(Progress())
        console.print(f"Running the DAG {dag.dag_id} on {escape(str(folder))}")
        dag_run = dag.test(run_conf=conf)
        summary = dag_run.get_task_instance("summary")
        if dag_run.state != "success" or summary is None:
            return None
        return summary.xcom_pull(task_ids="summary") or []


def _tell(console: Console, mark: str, task_instance: Any) -> None:
    number = "" if task_instance.map_index < 0 else f" [dim]{task_instance.map_index}[/]"
    console.print(f"  {mark} {task_instance.task_id}{number}", highlight=False)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("Document", "Category", "Confidence", "Route")
    for row in rows:
        confidence = f"{row['confidence']:.2f}" if row["confidence"] is not None else "–"
        table.add_row(escape(Path(row["document"]).name), escape(row["category"] or "–"), confidence, row["route"])
    return table


if __name__ == "__main__":
    sys.exit(main())
