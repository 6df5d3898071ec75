"""A batch's results as a file: JSON lines, or Parquet where pyarrow is installed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_classify.batch.json_lines import read_lines, write_lines
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidOutput

_ROW_GROUP = 5000


def check_output(output: str) -> None:
    """
    Check what can be checked before any work is done.

    :raises InvalidOutput: neither ``.jsonl`` nor ``.parquet``.
    :raises ExtraNotInstalled: Parquet without pyarrow.
    """
    if output.endswith(".parquet"):
        _pyarrow()
    elif not output.endswith(".jsonl"):
        raise InvalidOutput(f"The output {output!r} is neither .jsonl nor .parquet; name it so.")


def write_output(output: str, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the lines one after the other; memory holds at most a few thousand."""
    path = ObjectStoragePath(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    if output.endswith(".parquet"):
        _write_parquet(path, lines)
        return
    write_lines(path, lines)


def read_output(output: str) -> Iterator[dict[str, Any]]:
    """Read an earlier batch's lines back."""
    path = ObjectStoragePath(output)
    if output.endswith(".parquet"):
        with path.open("rb") as file:
            for batch in _pyarrow().ParquetFile(file).iter_batches(_ROW_GROUP):
                for row in batch.to_pylist():
                    yield json.loads(row["line"])
        return
    yield from read_lines(path)


def _write_parquet(path: ObjectStoragePath, lines: Iterable[Mapping[str, Any]]) -> None:
    """Columns to query, and the whole line as JSON in ``line``: results have no fixed schema."""
    import pyarrow

    schema = pyarrow.schema(
        [
            ("document", pyarrow.string()),
            ("classification", pyarrow.string()),
            ("confidence", pyarrow.float64()),
            ("total_pages", pyarrow.int64()),
            ("job_id", pyarrow.string()),
            ("error", pyarrow.string()),
            ("line", pyarrow.string()),
        ]
    )
    remaining = iter(lines)
    with path.open("wb") as file, _pyarrow().ParquetWriter(file, schema) as writer:
        while group := list(islice(remaining, _ROW_GROUP)):
            rows = [
                {**{name: line.get(name) for name in schema.names}, "line": json.dumps(line, ensure_ascii=False)}
                for line in group
            ]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ExtraNotInstalled("A .parquet output needs pyarrow; install it, or name the output .jsonl.") from error
    return pyarrow.parquet
