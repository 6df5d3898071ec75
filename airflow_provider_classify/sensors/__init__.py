"""Airflow sensors: wait for jobs that something else submitted."""
