"""The Airflow sensor, which waits for a job that another task or program submitted."""
