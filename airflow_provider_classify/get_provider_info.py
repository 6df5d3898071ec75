"""The entry point through which Airflow learns of this provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml


def get_provider_info() -> dict[str, Any]:
    """Read ``provider.yaml``; Airflow calls this once in every process that lists providers."""
    text = Path(__file__).with_name("provider.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))
