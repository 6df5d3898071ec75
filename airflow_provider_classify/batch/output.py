"""A batch's results as a file: JSON lines, or Parquet where pyarrow is installed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

from airflow_provider_classify.batch.entry import decode_lines, encode_line
from airflow_provider_classify.documents.storage_path import StoragePath
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidOutput

log = logging.getLogger(__name__)

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


def write_output(output: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """
    Replace the output when all rows are written; memory holds at most a few thousand of them.

    :raises StorageError: the storage refused or cannot be reached. An earlier output is as it was.
    """
    with StoragePath(output).write() as file:
        if output.endswith(".parquet"):
            _write_parquet(file, rows)
        else:
            for row in rows:
                file.write(encode_line(row))


def read_output(output: str) -> Iterator[dict[str, Any]]:
    """
    Yield the rows of an earlier output. A line that was cut off is left out, and the log says so.

    :raises StorageNotFound: there is no such file.
    :raises StorageError: the storage refused or cannot be reached.
    :raises InvalidOutput: it is no Parquet file, or no whole one.
    """
    with StoragePath(output).open_whole() as file:
        rows = _parquet_lines(file, output) if output.endswith(".parquet") else file
        for row in decode_lines(rows):
            if row is None:
                log.warning("The output %s has a line that is not whole; its document is classified again.", output)
            else:
                yield row


def _write_parquet(file: BinaryIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """Columns to query, and the whole row as JSON in ``line``: results have no fixed schema."""
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
    remaining = iter(rows)
    with _pyarrow().ParquetWriter(file, schema) as writer:
        while group := list(islice(remaining, _ROW_GROUP)):
            table = [
                {**{name: row.get(name) for name in schema.names}, "line": json.dumps(row, ensure_ascii=False)}
                for row in group
            ]
            writer.write_table(pyarrow.Table.from_pylist(table, schema))


def _parquet_lines(file: BinaryIO, output: str) -> Iterator[bytes]:
    import pyarrow

    try:
        for batch in _pyarrow().ParquetFile(file).iter_batches(_ROW_GROUP, columns=["line"]):
            for row in batch.to_pylist():
                yield row["line"].encode()
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise InvalidOutput(
            f"The output {output} is not a whole Parquet file of a batch ({type(error).__name__}); "
            "restore it, or leave previous out to classify all documents again."
        ) from error


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ExtraNotInstalled("A .parquet output needs pyarrow; install it, or name the output .jsonl.") from error
    return pyarrow.parquet
