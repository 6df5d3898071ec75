"""The entry point from which Airflow reads the description of this provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml


def get_provider_info() -> dict[str, Any]:
    """Return the content of ``provider.yaml``. Airflow calls this once in each process that lists providers."""
    text = Path(__file__).with_name("provider.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))
