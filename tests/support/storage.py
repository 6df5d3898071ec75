"""Attach a file system to ``ObjectStoragePath``, in any Airflow."""

from __future__ import annotations

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

__all__ = ["attach"]
