"""Classify documents in Apache Airflow: through a classify API, or with an engine of its own."""

from __future__ import annotations

__version__ = "0.1.0"
