"""Connect classification with Airflow: reattach to jobs, cancel them, fail without a retry, and report to Airflow."""
