"""Classify documents in Apache Airflow with a classify API or with the local engine."""

from __future__ import annotations

__version__ = "0.1.0"
