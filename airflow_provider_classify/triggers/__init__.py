"""Airflow triggers: wait for jobs in the triggerer, holding no worker."""
