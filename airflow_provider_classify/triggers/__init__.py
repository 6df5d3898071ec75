"""The Airflow triggers, which wait for jobs in the triggerer without a worker."""
