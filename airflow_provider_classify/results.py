"""
Read the results of a batch::

    for row in read_results(manifest["output"]):
        print(row["document"], row.get("classification"), row.get("error"))

    table = read_results("s3://my_aws@classified/2026-11-27.parquet").to_pandas()
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from airflow_provider_classify.batch.output import check_output, read_output
from airflow_provider_classify.batch.parquet_output import arrow_schema, groups_of, require_pyarrow
from airflow_provider_classify.documents.reference import parse_reference
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidDocument, InvalidOutput
from airflow_provider_classify.model.batch_output import COLUMNS, BatchManifest, FailedDocument, ResultRow, table_row

__all__ = ["COLUMNS", "BatchManifest", "FailedDocument", "ResultRow", "Results", "read_results"]


def read_results(uri: object) -> Results:
    """
    Return the results in the output of a batch. The file is read when the results are used.

    :param uri: the ``output`` of a manifest: the path or object-storage URI of a ``.jsonl``, ``.csv`` or ``.parquet``
        file. The connection in a URI is used. It can also be an ``os.PathLike`` or an ``ObjectStoragePath``.
    :raises InvalidOutput: the value is not the name of an output.
    :raises ExtraNotInstalled: the file is Parquet, and pyarrow is not installed.
    """
    try:
        output = parse_reference(uri)
    except InvalidDocument as error:
        raise InvalidOutput(f"The output is {uri!r}; give the path or URI of a batch's output.") from error
    check_output(output)
    return Results(output)


class Results:
    """
    The results in the output of a batch. Each use reads the file again.

    Iterate over it to read the rows one by one, or get a table with the columns of :data:`COLUMNS`. The iteration
    keeps few rows in memory.

    :raises StorageNotFound: the file does not exist.
    :raises StorageError: the storage refused the request or cannot be reached.
    :raises InvalidOutput: the file is not the output of a batch.
    """

    def __init__(self, output: str) -> None:
        self.output = output

    def __iter__(self) -> Iterator[ResultRow]:
        """Yield a row for each document."""
        return cast("Iterator[ResultRow]", read_output(self.output))

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``. :raises ExtraNotInstalled: pyarrow is not installed."""
        pyarrow, schema = require_pyarrow("A table of pyarrow"), arrow_schema()
        rows = map(table_row, read_output(self.output))
        groups = [pyarrow.RecordBatch.from_pylist(group, schema) for group in groups_of(rows)]
        return pyarrow.Table.from_batches(groups, schema)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``. :raises ExtraNotInstalled: pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ExtraNotInstalled("A table of pandas needs pandas; install it, or iterate over the rows.") from error
        types = {float: "Float64", int: "Int64", bool: "boolean", str: "string"}
        records = (list(table_row(row).values()) for row in read_output(self.output))
        frame = pandas.DataFrame.from_records(records, columns=list(COLUMNS))
        return frame.astype({name: types[kind] for name, kind in COLUMNS.items()})
