"""A process that writes to the storages beside the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Self

_PROGRAM = """
import json, os, sys
from airflow_provider_classify.documents.object_storage import StoragePath
for line in sys.stdin:
    order = json.loads(line)
    os.environ.update(order["connections"])
    StoragePath(order["reference"]).write_bytes(order["text"].encode())
    print("written", flush=True)
"""


class OtherProcess:
    """It starts once, since the import of Airflow takes seconds, and works until the block ends."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate(timeout=30)

    def write(self, reference: str, text: str) -> None:
        """Write a file, with the connections that are defined now; return when it is there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        connections = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_CONN_STORAGE_")}
        order = {"connections": connections, "reference": reference, "text": text}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        lines = iter(self._process.stdout.readline, "")  # Airflow's log lines are among them
        assert "written\n" in lines, "The other process ended."
