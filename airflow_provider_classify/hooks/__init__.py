"""The Airflow hook, which creates a backend from an Airflow connection."""
