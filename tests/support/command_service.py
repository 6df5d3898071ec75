"""Run ``airflow-classify serve`` as a process, with the options of a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

COMMAND = str(Path(sys.executable).with_name("airflow-classify"))


@contextmanager
def serving(data: Path, *options: str, **env: str) -> Iterator[httpx.Client]:
    """
    Serve on a free port of loopback until the block ends, and provide a client.

    :param env: is added to the environment, which has no keys. The client sends ``CLASSIFY_API_KEY``.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLASSIFY_")}
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--data", str(data), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=inherited | env,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        with httpx.Client(base_url=url, headers={"api-key": env.get("CLASSIFY_API_KEY", "")}, timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
