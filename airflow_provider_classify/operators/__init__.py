"""Airflow operators: documents in, results in XCom."""
