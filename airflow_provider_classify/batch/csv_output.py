r"""
Read and write the rows of a batch as CSV.

The file has the columns of :data:`~airflow_provider_classify.model.batch_output.COLUMNS`. It is UTF-8 with a byte order
mark. Without the mark, Excel would read it in another encoding.

A document's name or an error can have any characters. So that each row is one line, a line break in a cell is written
as ``\n`` or ``\r``, and a backslash as ``\\``. So that a spreadsheet does not run a cell as a formula, an apostrophe is
written before ``=``, ``+``, ``-``, ``@`` and a tab at the start of a cell. This includes the cells that a spreadsheet
would make if it split the line at semicolons or tabs. :func:`read_csv` restores the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from airflow_provider_classify.exceptions import InvalidOutput
from airflow_provider_classify.model.batch_output import COLUMNS, table_row

#: The start of a cell, apostrophes, and a character (also in its full-width form) that makes the cell a formula.
_FORMULA = re.compile("(^|[;\t])('*)(?=[=+\\-@\t＝＋－＠])")
_ESCAPED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_UNESCAPED = {escaped: text for text, escaped in _ESCAPED.items()}


def write_csv(file: BinaryIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a header and a line for each row, with the fields of a row that are columns."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(_cell, table_row(row).values()) for row in rows)
        text.flush()
    finally:
        text.detach()


def read_csv(file: BinaryIO, label: str) -> Iterator[dict[str, Any] | None]:
    """
    Yield the rows of an output; ``None`` for a line that was cut off.

    :param label: the name of the output, for the error.
    :raises InvalidOutput: the file is not a CSV output of a batch.
    """
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            header = next(lines, [])
            if not {"document", "classification", "intent"} <= set(header):
                raise InvalidOutput(
                    f"The file {label} is not the .csv output of a batch, because it lacks columns of one; "
                    "name an output that a batch wrote."
                )
            for cells in lines:
                yield _row(dict(zip(header, cells, strict=True))) if len(cells) == len(header) else None
        except (csv.Error, UnicodeDecodeError):  # the last line ends inside a cell
            yield None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        escaped = re.sub(r"[\\\n\r]", lambda match: _ESCAPED[match[0]], value)
        return _FORMULA.sub(r"\1'\2", escaped)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _row(cells: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the row of these cells. A row without an error has a ``classification``, which may be ``None``."""
    try:
        row = {name: _value(text, COLUMNS[name]) for name, text in cells.items() if text and name in COLUMNS}
    except ValueError:
        return None
    return row if "error" in row else {"classification": None} | row


def _value(text: str, kind: type) -> Any:
    if kind is bool:
        return text == "true"
    if kind is not str:
        return kind(text)
    without_marks = re.sub("(^|[;\t])'('*)(?=[=+\\-@\t＝＋－＠])", r"\1\2", text)
    return re.sub(r"\\[\\nr]", lambda match: _UNESCAPED[match[0]], without_marks)
