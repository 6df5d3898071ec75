"""Read and write the rows of a batch as Parquet, with pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

from airflow_provider_classify.batch.record_entry import decode_lines
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidOutput
from airflow_provider_classify.model.batch_output import COLUMNS, table_row

#: The most rows in a row group of a Parquet file. They are in memory together.
ROW_GROUP = 5000


def require_pyarrow(use: str) -> Any:
    """
    Return the module ``pyarrow``.

    :param use: the subject of the error, such as "A .parquet output".
    :raises ExtraNotInstalled: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise pyarrow_is_missing(use) from error
    return pyarrow


def pyarrow_is_missing(use: str) -> ExtraNotInstalled:
    """Return the error for an install without pyarrow."""
    return ExtraNotInstalled(
        f"{use} needs pyarrow; install it with: pip install 'airflow-provider-classify[parquet]', "
        "or name the output .jsonl or .csv."
    )


def write_parquet(file: BinaryIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write columns for queries, and the whole row as JSON in ``line``, because results have no fixed schema."""
    pyarrow = require_pyarrow("A .parquet output")
    schema = arrow_schema().append(pyarrow.field("line", pyarrow.string()))
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for group in groups_of(rows):
            lines = [{**table_row(row), "line": json.dumps(row, ensure_ascii=False)} for row in group]
            writer.write_table(pyarrow.Table.from_pylist(lines, schema))


def read_parquet(file: BinaryIO, label: str) -> Iterator[dict[str, Any] | None]:
    """
    Yield the rows of an output.

    :param label: the name of the output, for the error.
    :raises InvalidOutput: the file is not a complete Parquet file of a batch.
    :raises ExtraNotInstalled: pyarrow is not installed.
    """
    pyarrow = require_pyarrow(f"The output {label}")
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(ROW_GROUP, columns=["line"]):
            yield from decode_lines(row["line"].encode() for row in batch.to_pylist())
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise InvalidOutput(
            f"The output {label} is not a complete Parquet file of a batch ({type(error).__name__}); "
            "restore it, or leave previous out to classify all documents again."
        ) from error


def groups_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the rows in lists of at most :data:`ROW_GROUP`."""
    remaining = iter(rows)
    while group := list(islice(remaining, ROW_GROUP)):
        yield group


def arrow_schema() -> Any:
    """Return :data:`COLUMNS` as a schema of pyarrow. :raises ExtraNotInstalled: pyarrow is not installed."""
    pyarrow = require_pyarrow("A table of pyarrow")
    types = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64(), bool: pyarrow.bool_()}
    return pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
