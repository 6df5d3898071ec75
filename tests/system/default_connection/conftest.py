"""Start the Airflow of this folder, once for all its modules."""

from __future__ import annotations

import pytest

from tests.support.system_airflow import system_airflow

DAGS = (
    "dags/batch_and_read.py",
    "dags/batch_in_shards.py",
    "dags/branch_on_category.py",
    "dags/classify_incoming_documents.py",
    "dags/sort_by_route.py",
    "tests/dags/branch_in_mapped_group.py",
    "tests/dags/durable_cases.py",
    "tests/dags/ending_cases.py",
    "tests/dags/mapped_branch_cases.py",
)


@pytest.fixture(scope="package")
def airflow(connection, tmp_path_factory):
    with system_airflow(tmp_path_factory.mktemp("airflow"), DAGS, {"CLASSIFY_DEFAULT": connection}) as airflow:
        yield airflow
