"""Create batches of four documents that can be classified and one that cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samples import draw_samples

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.service import RunningService

EXPECTED = {"contract.pdf": "contract", "invoice.pdf": "invoice", "letter.pdf": "letter", "resume.pdf": "resume"}


def write_documents(folder: Path) -> Path:
    """Write the documents of EXPECTED and ``damaged.pdf`` to a folder, and return it."""
    draw_samples(folder)
    for path in folder.iterdir():
        if path.name not in EXPECTED:
            path.unlink()
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    return folder


def batch(documents: Any, tmp_path: Path, connection: str = "service", **arguments: Any) -> ClassifyBatchOperator:
    """Return an operator with the output ``out.jsonl``, unless the arguments say otherwise."""
    arguments = {"output": str(tmp_path / "out.jsonl"), "max_failed": 1, "poll_interval": 1, **arguments}
    return ClassifyBatchOperator(
        task_id="t",
        documents=documents if isinstance(documents, list) else str(documents),
        categories=[*EXPECTED.values()],
        classify_conn_id=connection,
        **arguments,
    )


def lines(output: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of an output by the name of the document."""
    return {row["document"].rpartition("/")[2]: row for row in map(json.loads, output.read_text().splitlines())}


def submitted_to(service: RunningService) -> int:
    """Return the number of jobs that the service has had."""
    return len(service.jobs())
