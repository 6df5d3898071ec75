"""Import ``attach``, which registers a file system for ``ObjectStoragePath``, in Airflow 2 and 3."""

from __future__ import annotations

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

__all__ = ["attach"]
