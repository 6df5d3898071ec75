"""The Airflow connections and the log of the tests of the hook."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def _own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a record of jobs of its own, and no default connection."""
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
    monkeypatch.delenv("AIRFLOW_CONN_CLASSIFY_DEFAULT", raising=False)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that defines an Airflow connection."""

    def define(conn_id: str = "docs", **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "classify"} | fields))

    return define


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """All that was logged since the last call: by Airflow's loggers, which print, and by libraries."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        text = "".join(capfd.readouterr()) + caplog.text
        caplog.clear()
        return text

    return read
