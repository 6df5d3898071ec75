"""Tests that share one Airflow, whose connection ``classify_default`` is the service."""
