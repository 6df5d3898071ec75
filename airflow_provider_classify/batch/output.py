"""Read and write the output of a batch: JSON lines, CSV or Parquet, by the ending of its name."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_classify.batch.csv_output import read_csv, write_csv
from airflow_provider_classify.batch.parquet_output import pyarrow_is_missing, read_parquet, write_parquet
from airflow_provider_classify.batch.record_entry import decode_lines, encode_line
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.documents.reference import is_http_url
from airflow_provider_classify.exceptions import InvalidOutput

log = logging.getLogger(__name__)

_JSON, _CSV, _PARQUET = ".jsonl", ".csv", ".parquet"


def check_output(output: str) -> None:
    """
    Check the name of an output before any work is done. Nothing is imported or read.

    :raises InvalidOutput: the name does not end in ``.jsonl``, ``.csv`` or ``.parquet``, or it is an http URL.
    :raises ExtraNotInstalled: the output is Parquet, and pyarrow is not installed.
    """
    if is_http_url(output):
        raise InvalidOutput(f"The output {output!r} is an http URL; give a path or an object-storage URI.")
    if not output.endswith((_JSON, _CSV, _PARQUET)):
        raise InvalidOutput(
            f"The output {output!r} is neither .jsonl nor .csv nor .parquet; give it one of these endings."
        )
    if output.endswith(_PARQUET) and importlib.util.find_spec("pyarrow") is None:
        raise pyarrow_is_missing(f"The output {output!r}")


def check_previous(previous: str, output: str | None) -> None:
    """
    Check the name of an earlier output whose rows are reused.

    :raises InvalidOutput: as :func:`check_output`; or ``previous`` is CSV, and the output needs more fields than CSV
        has.
    :raises ExtraNotInstalled: as :func:`check_output`.
    """
    check_output(previous)
    if previous.endswith(_CSV) and not (output and output.endswith(_CSV)):
        raise InvalidOutput(
            f"The previous output {previous!r} is .csv, which lacks fields of a result; "
            "give a .jsonl or .parquet file, or name the output .csv too."
        )


def write_output(output: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """
    Write all rows, then replace the output. At most 5,000 rows are in memory.

    :raises StorageError: the storage refused the request or cannot be reached. An earlier output is kept.
    """
    with StoragePath(output).write() as file:
        if output.endswith(_PARQUET):
            write_parquet(file, rows)
        elif output.endswith(_CSV):
            write_csv(file, rows)
        else:
            for row in rows:
                file.write(encode_line(row))


def read_output(output: str) -> Iterator[dict[str, Any]]:
    """
    Yield the rows of an earlier output. Skip a line that was cut off, with a warning in the log.

    :raises StorageNotFound: the file does not exist.
    :raises StorageError: the storage refused the request or cannot be reached.
    :raises InvalidOutput: the file is not the output of a batch, or its name has another ending.
    :raises ExtraNotInstalled: the file is Parquet, and pyarrow is not installed.
    """
    check_output(output)
    path = StoragePath(output)
    with path.open_whole() as file:
        if output.endswith(_PARQUET):
            rows = read_parquet(file, path.label)
        elif output.endswith(_CSV):
            rows = read_csv(file, path.label)
        else:
            rows = decode_lines(file)
        for row in rows:
            if row is None:
                log.warning("The output %s has an incomplete line, which is skipped.", path.label)
            else:
                yield row
