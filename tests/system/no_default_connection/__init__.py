"""Tests that share one Airflow, in which the connection ``classify_default`` is not defined."""
