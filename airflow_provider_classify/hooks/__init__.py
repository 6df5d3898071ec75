"""Airflow hooks: an Airflow connection turned into a backend."""
