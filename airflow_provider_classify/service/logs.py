"""
Write the service's log to stderr: one line of text or one JSON object for each event.

A message of this package never contains a key, a signature of a URL, or text of a document.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from airflow_provider_classify.model.trace import current_trace

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)

#: The attribute of a log record that has the fields of an event.
_FIELDS = "classify_fields"
_PACKAGE = "airflow_provider_classify"


def event(name: str, **fields: Any) -> dict[str, Any]:
    """
    Return the ``extra`` of a log call that reports an event.

    :param name: what happened, such as ``job.started``.
    :param fields: values for programs, such as ``job_id``. A field that is ``None`` is left out.
    """
    return {_FIELDS: {"event": name} | {name: value for name, value in fields.items() if value is not None}}


def configure(log_format: LogFormat) -> None:
    """Send the log to stderr in this format: messages of this package from INFO, all others from WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(_PACKAGE).setLevel(logging.INFO)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_trace_fields(), **_fields(record))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Formats a record as a line of text, followed by its traceback, if it has one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text."""
        trace = "".join(f" {name}={value}" for name, value in _trace_fields().items())
        line = f"{_time(record)} {record.levelname} {record.getMessage()}{trace}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, _FIELDS, {})
    return fields


def _trace_fields() -> dict[str, str]:
    trace = current_trace()
    return {"trace_id": trace.trace_id, "parent_id": trace.parent_id} if trace else {}
