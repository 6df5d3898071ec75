"""The Airflow operators, which classify documents and put the results in XCom."""
