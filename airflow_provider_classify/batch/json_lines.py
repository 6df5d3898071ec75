"""JSON lines on any storage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath


def write_lines(path: ObjectStoragePath, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write objects one after the other, as they come."""
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_lines(path: ObjectStoragePath) -> Iterator[dict[str, Any]]:
    """Read them back one by one. :raises FileNotFoundError: there is no such file."""
    with path.open("r", encoding="utf-8") as file:
        # The files of Airflow 2's ObjectStoragePath cannot be iterated over.
        yield from map(json.loads, iter(file.readline, ""))
